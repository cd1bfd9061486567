"""tensorflow.python.ops.array_ops."""

from typing import TYPE_CHECKING

from varscope._core import (
    identity, rank, reverse, shape, size, squeeze, stack, stop_gradient, transpose)
from varscope.arrays import (
    boolean_mask, fill, gather, gather_nd, one_hot, ones, pad, reshape, sequence_mask, tile,
    where, zeros)
from varscope.counting import ones_like, zeros_like
from varscope.ops import concat, expand_dims, placeholder
from varscope.compat.v1._missing import missing_of

__all__ = [
    "boolean_mask", "concat", "expand_dims", "fill", "gather", "gather_nd", "identity", "one_hot",
    "ones", "ones_like", "pad", "placeholder", "rank", "reshape", "reverse", "sequence_mask",
    "shape", "size", "squeeze", "stack", "stop_gradient", "tile", "transpose", "where", "zeros",
    "zeros_like"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
