"""tf.contrib.rnn."""

from typing import TYPE_CHECKING

from varscope.rnn.cells import (BasicLSTMCell, BasicRNNCell, DropoutWrapper, EmbeddingWrapper,
                                GRUCell, InputProjectionWrapper, LSTMCell, MultiRNNCell, NASCell,
                                OutputProjectionWrapper, ResidualWrapper, RNNCell)
from varscope.rnn.states import LSTMStateTuple
from varscope.rnn.unrolling import static_bidirectional_rnn, static_rnn
from varscope.compat.v1._missing import missing_of

LayerRNNCell = RNNCell

__all__ = [
    "BasicLSTMCell", "BasicRNNCell", "DropoutWrapper", "EmbeddingWrapper", "GRUCell",
    "InputProjectionWrapper", "LSTMCell", "LSTMStateTuple", "LayerRNNCell", "MultiRNNCell",
    "NASCell", "OutputProjectionWrapper", "RNNCell", "ResidualWrapper", "static_bidirectional_rnn",
    "static_rnn"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
