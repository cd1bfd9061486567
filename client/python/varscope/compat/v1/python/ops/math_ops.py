"""tensorflow.python.ops.math_ops."""

from typing import TYPE_CHECKING

from varscope._core import (
    abs, add, add_n, argmax, cumsum, divide, equal, exp, floor, greater, less, log,
    logical_and, logical_not, logical_or, maximum, minimum, multiply, pow, reduce_max,
    reduce_mean, reduce_min, reduce_prod, reduce_sum, sigmoid, sqrt, square, subtract, tanh)
from varscope.arrays import range
from varscope.casts import cast
from varscope.counting import reduce_all, reduce_any
from varscope.products import matmul
from varscope.compat.v1._missing import missing_of

__all__ = [
    "abs", "add", "add_n", "argmax", "cast", "cumsum", "divide", "equal", "exp", "floor",
    "greater", "less", "log", "logical_and", "logical_not", "logical_or", "matmul", "maximum",
    "minimum", "multiply", "pow", "range", "reduce_all", "reduce_any", "reduce_max",
    "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum", "sigmoid", "sqrt", "square",
    "subtract", "tanh"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
