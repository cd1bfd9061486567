"""tf.contrib.layers."""

from typing import TYPE_CHECKING

from varscope.layers.contrib import (batch_norm, conv2d, conv2d_transpose, dropout, embed_sequence,
                                     flatten, fully_connected, l1_regularizer, l2_regularizer,
                                     layer_norm, linear,
                                     max_pool2d, avg_pool2d, one_hot_encoding, optimize_loss, softmax,
                                     summarize_activation, summarize_activations,
                                     summarize_tensor, variance_scaling_initializer,
                                     xavier_initializer)
from varscope.compat.v1.contrib import _layers_python as python
from varscope.layers.repeating import (apply_regularization, l1_l2_regularizer, repeat, stack,
                                       sum_regularizer)
from varscope.layers.contrib_normal import (bias_add, group_norm, instance_norm, maxout,
                                            separable_conv2d, unit_norm)
from varscope.sparse_embeddings import safe_embedding_lookup_sparse
from varscope.compat.v1._missing import missing_of

convolution2d = convolution = conv2d
convolution2d_transpose = conv2d_transpose
relu = fully_connected
xavier_initializer_conv2d = xavier_initializer
separable_convolution2d = separable_conv2d

__all__ = [
    "apply_regularization", "avg_pool2d", "batch_norm", "bias_add", "conv2d", "conv2d_transpose",
    "convolution", "convolution2d", "convolution2d_transpose", "dropout", "embed_sequence",
    "flatten", "fully_connected", "group_norm", "instance_norm", "l1_l2_regularizer",
    "l1_regularizer", "l2_regularizer", "layer_norm", "linear", "max_pool2d", "maxout",
    "one_hot_encoding", "optimize_loss", "python", "relu", "repeat", "safe_embedding_lookup_sparse",
    "separable_conv2d", "separable_convolution2d", "softmax", "stack", "sum_regularizer",
    "summarize_activation", "summarize_activations", "summarize_tensor", "unit_norm",
    "variance_scaling_initializer", "xavier_initializer", "xavier_initializer_conv2d"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
