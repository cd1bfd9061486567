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
from varscope.learning.estimators import real_valued_column
from varscope.estimators.columns import (bucketized_column, categorical_column_with_identity,
                                         categorical_column_with_vocabulary_list,
                                         embedding_column, indicator_column)
from varscope.estimators.hashed_columns import (categorical_column_with_hash_bucket,
                                                crossed_column)
from varscope.compat.v1._missing import missing_of

convolution2d = convolution = conv2d
convolution2d_transpose = conv2d_transpose
relu = fully_connected
xavier_initializer_conv2d = xavier_initializer
separable_convolution2d = separable_conv2d
one_hot_column = indicator_column
sparse_column_with_hash_bucket = categorical_column_with_hash_bucket
sparse_column_with_integerized_feature = categorical_column_with_identity
sparse_column_with_keys = categorical_column_with_vocabulary_list

__all__ = [
    "apply_regularization", "avg_pool2d", "batch_norm", "bias_add", "bucketized_column", "conv2d",
    "conv2d_transpose", "convolution", "convolution2d", "convolution2d_transpose", "crossed_column",
    "dropout", "embed_sequence", "embedding_column", "flatten", "fully_connected", "group_norm",
    "instance_norm", "l1_l2_regularizer", "l1_regularizer", "l2_regularizer", "layer_norm",
    "linear", "max_pool2d", "maxout", "one_hot_column", "one_hot_encoding", "optimize_loss",
    "python", "real_valued_column", "relu", "repeat", "safe_embedding_lookup_sparse",
    "separable_conv2d", "separable_convolution2d", "softmax", "sparse_column_with_hash_bucket",
    "sparse_column_with_integerized_feature", "sparse_column_with_keys", "stack", "sum_regularizer",
    "summarize_activation", "summarize_activations", "summarize_tensor", "unit_norm",
    "variance_scaling_initializer", "xavier_initializer", "xavier_initializer_conv2d"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
