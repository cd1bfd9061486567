"""tensorflow.python.tools.freeze_graph."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.saved_graphs.freezing import freeze_graph

__all__ = [
    "freeze_graph"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
