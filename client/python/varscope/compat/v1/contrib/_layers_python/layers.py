"""tf.contrib.layers.python.layers: layers under the name of the file that TensorFlow has them in."""

from typing import TYPE_CHECKING

from varscope.layers.contrib import (avg_pool2d, batch_norm, conv2d, conv2d_transpose, dropout,
                                     flatten, fully_connected, max_pool2d)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "avg_pool2d", "batch_norm", "conv2d", "conv2d_transpose", "dropout", "flatten",
    "fully_connected", "max_pool2d"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
