"""tf.layers."""

from typing import TYPE_CHECKING

from varscope.layers.convolution import (conv1d, conv2d, conv2d_transpose,
                                          separable_conv2d)
from varscope.layers.dense import Dense, dense
from varscope.layers.dropout import dropout
from varscope.layers.normalization import batch_normalization
from varscope.layers.objects import (AveragePooling1D, AveragePooling2D, AveragePooling3D,
                                     BatchNormalization, Conv1D, Conv2D, Conv2DTranspose, Conv3D,
                                     Dropout, Flatten, Layer, MaxPooling1D, MaxPooling2D,
                                     MaxPooling3D, SeparableConv2D)
from varscope.layers.pooling import (average_pooling1d, average_pooling2d, flatten,
                                     max_pooling1d, max_pooling2d)
from varscope.layers.volumes import average_pooling3d, conv3d, max_pooling3d
from varscope.compat.v1._missing import missing_of

__all__ = [
    "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "BatchNormalization", "Conv1D",
    "Conv2D", "Conv2DTranspose", "Conv3D", "Dense", "Dropout", "Flatten", "Layer", "MaxPooling1D",
    "MaxPooling2D", "MaxPooling3D", "SeparableConv2D", "average_pooling1d", "average_pooling2d",
    "average_pooling3d", "batch_normalization", "conv1d", "conv2d", "conv2d_transpose", "conv3d",
    "dense", "dropout", "flatten", "max_pooling1d", "max_pooling2d", "max_pooling3d",
    "separable_conv2d"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
