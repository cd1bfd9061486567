"""tf.nn.top_k."""

from __future__ import annotations

from typing import Any, NamedTuple

from varscope import _core


class TopKV2(NamedTuple):
    """What top_k() returns."""

    values: Any
    indices: Any


def top_k(input: Any, k: int = 1, sorted: bool = True, name: str | None = None) -> TopKV2:
    """Returns the k largest elements of the last dimension, the largest first, and their places."""
    return TopKV2(*_core._top_k(input, int(k), name))
