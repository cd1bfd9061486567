"""tensorflow.core.framework.summary_pb2."""

from typing import TYPE_CHECKING

from varscope.summaries.messages import HistogramProto, Summary
from varscope.compat.v1._missing import missing_of

__all__ = [
    "HistogramProto", "Summary"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
