"""tf.train.summary_iterator: the events of a file."""

from __future__ import annotations

import os
from collections.abc import Iterator

from varscope.readers.readers import tf_record_iterator
from varscope.summaries.messages import Event


def summary_iterator(path: str | os.PathLike[str]) -> Iterator[Event]:
    """Gives the events of a file in order."""
    for record in tf_record_iterator(path):
        yield Event.FromString(record)
