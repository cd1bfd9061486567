"""tf.keras.backend."""

from typing import TYPE_CHECKING

from varscope.keras.backend import (
    abs, argmax, batch_get_value, batch_set_value, binary_crossentropy, cast,
    categorical_crossentropy, clear_session, clip, concatenate, constant, dot, dtype, elu,
    epsilon, equal, eval, exp, expand_dims, flatten, floatx, function, gather, get_session,
    get_value, gradients, greater, image_data_format, image_dim_ordering, int_shape,
    l2_normalize, learning_phase, less, log, logsumexp, max, maximum, mean, min, minimum, ndim,
    ones, ones_like, placeholder, pow, prod, random_normal, random_uniform, relu, reshape,
    set_floatx, set_image_data_format, set_image_dim_ordering, set_learning_phase, set_session,
    set_value, shape, sigmoid, sign, softmax, softplus, sparse_categorical_crossentropy, sqrt,
    square, squeeze, stack, std, stop_gradient, sum, tanh, tile, transpose, var, variable,
    zeros, zeros_like)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "abs", "argmax", "batch_get_value", "batch_set_value", "binary_crossentropy", "cast",
    "categorical_crossentropy", "clear_session", "clip", "concatenate", "constant", "dot", "dtype",
    "elu", "epsilon", "equal", "eval", "exp", "expand_dims", "flatten", "floatx", "function",
    "gather", "get_session", "get_value", "gradients", "greater", "image_data_format",
    "image_dim_ordering", "int_shape", "l2_normalize", "learning_phase", "less", "log", "logsumexp",
    "max", "maximum", "mean", "min", "minimum", "ndim", "ones", "ones_like", "placeholder", "pow",
    "prod", "random_normal", "random_uniform", "relu", "reshape", "set_floatx",
    "set_image_data_format", "set_image_dim_ordering", "set_learning_phase", "set_session",
    "set_value", "shape", "sigmoid", "sign", "softmax", "softplus",
    "sparse_categorical_crossentropy", "sqrt", "square", "squeeze", "stack", "std", "stop_gradient",
    "sum", "tanh", "tile", "transpose", "var", "variable", "zeros", "zeros_like"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
