"""tf.nn.rnn_cell."""

from typing import TYPE_CHECKING

from varscope.rnn.cells import (BasicLSTMCell, BasicRNNCell, GRUCell, LSTMCell, MultiRNNCell,
                                RNNCell)
from varscope.rnn.dropout_wrapper import DropoutWrapper
from varscope.rnn.more_cells import DeviceWrapper
from varscope.rnn.wrappers import ResidualWrapper
from varscope.rnn.states import LSTMStateTuple
from varscope.compat.v1._missing import missing_of

__all__ = [
    "BasicLSTMCell", "BasicRNNCell", "DeviceWrapper", "DropoutWrapper", "GRUCell", "LSTMCell",
    "LSTMStateTuple", "MultiRNNCell", "RNNCell", "ResidualWrapper"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
