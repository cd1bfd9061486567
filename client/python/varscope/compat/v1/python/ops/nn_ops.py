"""tensorflow.python.ops.nn_ops."""

from typing import TYPE_CHECKING

from varscope._core.nn import relu, softplus
from varscope.compat.v1.nn import (
    avg_pool, bias_add, conv2d, dropout, log_softmax, max_pool, softmax,
    softmax_cross_entropy_with_logits, sparse_softmax_cross_entropy_with_logits)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "avg_pool", "bias_add", "conv2d", "dropout", "log_softmax", "max_pool", "relu", "softmax",
    "softmax_cross_entropy_with_logits", "softplus", "sparse_softmax_cross_entropy_with_logits"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
