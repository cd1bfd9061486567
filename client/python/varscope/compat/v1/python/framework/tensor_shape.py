"""tensorflow.python.framework.tensor_shape."""

from typing import TYPE_CHECKING

from varscope.shapes import Dimension, TensorShape, as_shape, scalar, unknown_shape, vector
from varscope.compat.v1._missing import missing_of

__all__ = [
    "Dimension", "TensorShape", "as_shape", "scalar", "unknown_shape", "vector"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
