"""tensorflow.python.ops."""

from typing import TYPE_CHECKING

from varscope.compat.v1.python.ops import (array_ops, data_flow_ops, init_ops, math_ops, nn_ops,
                                           rnn, rnn_cell, variable_scope)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "array_ops", "data_flow_ops", "init_ops", "math_ops", "nn_ops", "rnn", "rnn_cell",
    "variable_scope"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
