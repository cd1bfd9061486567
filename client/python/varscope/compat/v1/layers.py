"""tf.layers."""

from typing import TYPE_CHECKING

from varscope.layers.convolution import (conv1d, conv2d, conv2d_transpose,
                                          separable_conv2d)
from varscope.layers.dense import Dense, dense
from varscope.layers.dropout import dropout
from varscope.layers.normalization import batch_normalization
from varscope.layers.objects import (AveragePooling1D, AveragePooling2D, BatchNormalization,
                                     Conv1D, Conv2D, Conv2DTranspose, Dropout, Flatten,
                                     MaxPooling1D, MaxPooling2D, SeparableConv2D)
from varscope.layers.pooling import (average_pooling1d, average_pooling2d, flatten,
                                     max_pooling1d, max_pooling2d)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "AveragePooling1D", "AveragePooling2D", "BatchNormalization", "Conv1D", "Conv2D",
    "Conv2DTranspose", "Dense", "Dropout", "Flatten", "MaxPooling1D", "MaxPooling2D",
    "SeparableConv2D", "average_pooling1d", "average_pooling2d", "batch_normalization", "conv1d",
    "conv2d", "conv2d_transpose", "dense", "dropout", "flatten", "max_pooling1d", "max_pooling2d",
    "separable_conv2d"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
