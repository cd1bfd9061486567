"""tf.layers."""

from typing import TYPE_CHECKING

from varscope.layers.convolution import conv1d, conv2d, conv2d_transpose
from varscope.layers.dense import Dense, dense
from varscope.layers.dropout import dropout
from varscope.layers.normalization import batch_normalization
from varscope.layers.pooling import average_pooling2d, flatten, max_pooling2d
from varscope.compat.v1._missing import missing_of

__all__ = [
    "Dense", "average_pooling2d", "batch_normalization", "conv1d", "conv2d", "conv2d_transpose",
    "dense", "dropout", "flatten", "max_pooling2d"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
