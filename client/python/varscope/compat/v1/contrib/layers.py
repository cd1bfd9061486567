"""tf.contrib.layers."""

from typing import TYPE_CHECKING

from varscope.layers.contrib import (batch_norm, conv2d, conv2d_transpose, dropout, embed_sequence,
                                     flatten, fully_connected, l1_regularizer, l2_regularizer,
                                     layer_norm, linear,
                                     max_pool2d, avg_pool2d, one_hot_encoding, optimize_loss,
                                     summarize_activation, summarize_activations,
                                     summarize_tensor, variance_scaling_initializer,
                                     xavier_initializer)
from varscope.compat.v1.contrib import _layers_python as python
from varscope.compat.v1._missing import missing_of

convolution2d = convolution = conv2d
convolution2d_transpose = conv2d_transpose
relu = fully_connected
xavier_initializer_conv2d = xavier_initializer

__all__ = [
    "avg_pool2d", "batch_norm", "conv2d", "conv2d_transpose", "convolution", "convolution2d",
    "convolution2d_transpose", "dropout", "embed_sequence", "flatten", "fully_connected",
    "l1_regularizer", "l2_regularizer", "layer_norm", "linear", "max_pool2d", "one_hot_encoding",
    "optimize_loss", "python", "relu", "summarize_activation", "summarize_activations", "summarize_tensor",
    "variance_scaling_initializer", "xavier_initializer", "xavier_initializer_conv2d"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
