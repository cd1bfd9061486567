"""tensorflow.python.ops.rnn_cell."""

from typing import TYPE_CHECKING

from varscope.rnn.cells import (BasicLSTMCell, BasicRNNCell, DropoutWrapper, GRUCell, LSTMCell,
                                MultiRNNCell, RNNCell)
from varscope.rnn.states import LSTMStateTuple
from varscope.compat.v1._missing import missing_of

__all__ = [
    "BasicLSTMCell", "BasicRNNCell", "DropoutWrapper", "GRUCell", "LSTMCell", "LSTMStateTuple",
    "MultiRNNCell", "RNNCell"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
