"""tf.math: the functions of tensors that are numbers."""

from typing import TYPE_CHECKING

from varscope._core import (
    abs, acos, acosh, add, add_n, argmax, argmin, asin, asinh, atan, atan2, atanh, ceil, cos,
    cosh, cumprod, cumsum, digamma, divide, equal, erf, erfc, exp, expm1, floor, floordiv,
    floormod, greater, greater_equal, is_finite, is_inf, is_nan, less, less_equal, lgamma, log,
    log1p, logical_and, logical_not, logical_or, logical_xor, maximum, minimum, multiply,
    negative, not_equal, pow, reciprocal, reduce_logsumexp, reduce_max, reduce_mean,
    reduce_min, reduce_prod, reduce_sum, round, rsqrt, sigmoid, sign, sin, sinh, sqrt, square,
    squared_difference, subtract, tan, tanh, truncatediv, unsorted_segment_sum)
from varscope._core.nn import softplus
from varscope.arrays import segment_sum
from varscope.segments import (segment_max, segment_mean, segment_min, segment_prod,
                               unsorted_segment_max, unsorted_segment_mean, unsorted_segment_min,
                               unsorted_segment_prod, unsorted_segment_sqrt_n)
from varscope.rounding import div_no_nan as divide_no_nan
from varscope.rounding import lbeta, polygamma, polyval, rint, xlogy
from varscope.counting import scalar_mul
from varscope.activations import log_sigmoid, zero_fraction
from varscope.arrays import invert_permutation
from varscope.largest import in_top_k, top_k
from varscope._core import softsign  # noqa: E402
from varscope.compat.v1._missing import missing_of
from varscope.counting import (accumulate_n, count_nonzero, reduce_all, reduce_any, reduce_std,
                               reduce_variance)
from varscope.tallies import bincount, confusion_matrix
from varscope.compat.v1.nn import l2_normalize, log_softmax, softmax

truediv = divide
mod = floormod

__all__ = [
    "abs", "accumulate_n", "acos", "acosh", "add", "add_n", "argmax", "argmin", "asin", "asinh",
    "atan", "atan2", "atanh", "bincount", "ceil", "confusion_matrix", "cos", "cosh",
    "count_nonzero", "cumprod", "cumsum", "digamma", "divide", "divide_no_nan", "equal", "erf",
    "erfc", "exp", "expm1", "floor", "floordiv", "floormod", "greater", "greater_equal", "in_top_k",
    "invert_permutation", "is_finite", "is_inf", "is_nan", "l2_normalize", "lbeta", "less",
    "less_equal", "lgamma", "log", "log1p", "log_sigmoid", "log_softmax", "logical_and",
    "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "mod", "multiply", "negative",
    "not_equal", "polygamma", "polyval", "pow", "reciprocal", "reduce_all", "reduce_any",
    "reduce_logsumexp", "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_std",
    "reduce_sum", "reduce_variance", "rint", "round", "rsqrt", "scalar_mul", "segment_max",
    "segment_mean", "segment_min", "segment_prod", "segment_sum", "sigmoid", "sign", "sin", "sinh",
    "softmax", "softplus", "softsign", "sqrt", "square", "squared_difference", "subtract", "tan",
    "tanh", "top_k", "truediv", "truncatediv", "unsorted_segment_max", "unsorted_segment_mean",
    "unsorted_segment_min", "unsorted_segment_prod", "unsorted_segment_sqrt_n",
    "unsorted_segment_sum", "xlogy", "zero_fraction"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
