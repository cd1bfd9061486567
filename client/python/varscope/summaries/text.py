"""Texts as the messages of tensors that TensorBoard shows."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope.summaries import wire

_STRING = 7  # TensorFlow's number of the dtype
# SummaryMetadata, with the name of TensorBoard's plugin.
METADATA = wire.message(1, wire.message(1, "text"))


def text_message(texts: Any) -> bytes:
    """Returns the message of one text, or of an array of them."""
    array = np.asarray(texts, dtype=object)
    dims = b"".join(wire.message(2, wire.integer(1, n)) for n in array.shape)
    values = b"".join(wire.message(8, text) for text in array.ravel())
    return wire.integer(1, _STRING) + wire.message(2, dims) + values
