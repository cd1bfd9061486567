"""tf.contrib.slim."""

from typing import TYPE_CHECKING

from varscope.collections_ import get_variables, get_trainable_variables, model_variables
from varscope.layers.contrib import (avg_pool2d, batch_norm, conv2d, conv2d_transpose, dropout,
                                     flatten, fully_connected, l1_regularizer, l2_regularizer,
                                     max_pool2d, one_hot_encoding, variance_scaling_initializer,
                                     xavier_initializer)
from varscope.layers.contrib import layer_norm, softmax
from varscope.layers.arguments import add_arg_scope, arg_scope
from varscope.compat.v1.contrib import _nets as nets
from varscope.compat.v1.contrib import _slim_learning as learning
from varscope.compat.v1.contrib import _slim_python as python
from varscope.compat.v1.contrib import layers, losses, model_analyzer
from varscope.layers.restoring import (assign_from_checkpoint, assign_from_checkpoint_fn,
                                       filter_variables, get_unique_variable, get_variables_by_name,
                                       get_variables_by_suffix, get_variables_to_restore,
                                       local_variable, model_variable, variable)
from varscope.layers.repeating import (apply_regularization, l1_l2_regularizer, repeat, stack,
                                       sum_regularizer)
from varscope.layers.contrib_normal import (bias_add, group_norm, instance_norm, maxout,
                                            separable_conv2d, unit_norm)
from varscope.compat.v1._missing import missing_of

convolution2d = conv2d
convolution2d_transpose = conv2d_transpose
get_model_variables = model_variables
separable_convolution2d = separable_conv2d

__all__ = [
    "add_arg_scope", "apply_regularization", "arg_scope", "assign_from_checkpoint",
    "assign_from_checkpoint_fn", "avg_pool2d", "batch_norm", "bias_add", "conv2d",
    "conv2d_transpose", "convolution2d", "convolution2d_transpose", "dropout", "filter_variables",
    "flatten", "fully_connected", "get_model_variables", "get_trainable_variables",
    "get_unique_variable", "get_variables", "get_variables_by_name", "get_variables_by_suffix",
    "get_variables_to_restore", "group_norm", "instance_norm", "l1_l2_regularizer",
    "l1_regularizer", "l2_regularizer", "layer_norm", "layers", "learning", "local_variable",
    "losses", "max_pool2d", "maxout", "model_analyzer", "model_variable", "model_variables", "nets",
    "one_hot_encoding", "python", "repeat", "separable_conv2d", "separable_convolution2d",
    "softmax", "stack", "sum_regularizer", "unit_norm", "variable", "variance_scaling_initializer",
    "xavier_initializer"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
