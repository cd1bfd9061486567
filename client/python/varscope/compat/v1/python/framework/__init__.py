"""tensorflow.python.framework."""

from typing import TYPE_CHECKING

from varscope.compat.v1.python.framework import dtypes, graph_util, ops, tensor_shape
from varscope.compat.v1._missing import missing_of

__all__ = [
    "dtypes", "graph_util", "ops", "tensor_shape"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
