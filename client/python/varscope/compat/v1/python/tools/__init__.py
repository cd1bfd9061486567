"""tensorflow.python.tools."""

from typing import TYPE_CHECKING

from varscope.compat.v1.python.tools import freeze_graph
from varscope.compat.v1._missing import missing_of

__all__ = [
    "freeze_graph"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
