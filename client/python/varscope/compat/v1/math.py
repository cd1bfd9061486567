"""tf.math: the functions of tensors that are numbers."""

from typing import TYPE_CHECKING

from varscope._core import (abs, add, add_n, argmax, argmin, cos, divide, equal, exp, floor,
                            floordiv, greater, greater_equal, less, less_equal, log, log1p,
                            maximum, minimum, multiply, negative, not_equal, pow, reciprocal,
                            reduce_logsumexp, reduce_max, reduce_mean, reduce_min, reduce_prod,
                            reduce_sum, rsqrt, sigmoid, sign, sin, sqrt, square,
                            squared_difference, subtract, tanh)
from varscope._core.nn import softplus
from varscope.compat.v1._missing import missing_of
from varscope.compat.v1.nn import l2_normalize, log_softmax, softmax

truediv = divide

__all__ = [
    "abs", "add", "add_n", "argmax", "argmin", "cos", "divide", "equal", "exp", "floor",
    "floordiv", "greater", "greater_equal", "l2_normalize", "less", "less_equal", "log", "log1p",
    "log_softmax", "maximum", "minimum", "multiply", "negative", "not_equal", "pow", "reciprocal",
    "reduce_logsumexp", "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum",
    "rsqrt", "sigmoid", "sign", "sin", "softmax", "softplus", "sqrt", "square",
    "squared_difference", "subtract", "tanh", "truediv"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
