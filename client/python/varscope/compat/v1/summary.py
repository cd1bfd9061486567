"""tf.summary."""

from typing import TYPE_CHECKING

from varscope.summaries.merging import merge, merge_all
from varscope.summaries.messages import Event, Summary
from varscope.summaries.ops import histogram, image, scalar, text
from varscope.summaries.writer import FileWriter
from varscope.compat.v1._missing import missing_of

__all__ = [
    "Event", "FileWriter", "Summary", "histogram", "image", "merge", "merge_all", "scalar",
    "text"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
