"""tensorflow.core.framework."""

from typing import TYPE_CHECKING

from varscope.compat.v1.core.framework import summary_pb2
from varscope.compat.v1._missing import missing_of

__all__ = [
    "summary_pb2"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
