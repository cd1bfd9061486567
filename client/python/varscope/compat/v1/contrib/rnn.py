"""tf.contrib.rnn."""

from typing import TYPE_CHECKING

from varscope.rnn.cells import (BasicLSTMCell, BasicRNNCell, GRUCell, LSTMCell, MultiRNNCell,
                                NASCell, RNNCell)
from varscope.rnn.states import LSTMStateTuple
from varscope.rnn.unrolling import static_bidirectional_rnn, static_rnn
from varscope.rnn.more_cells import (AttentionCellWrapper, Conv1DLSTMCell, Conv2DLSTMCell,
                                     Conv3DLSTMCell, ConvLSTMCell, DeviceWrapper, GRUBlockCell,
                                     GRUBlockCellV2, HighwayWrapper, LSTMBlockCell,
                                     LayerNormBasicLSTMCell, UGRNNCell)
from varscope.rnn.stacks import stack_bidirectional_dynamic_rnn, stack_bidirectional_rnn
from varscope.rnn.loop import transpose_batch_time
from varscope.rnn.dropout_wrapper import DropoutWrapper
from varscope.rnn.wrappers import (EmbeddingWrapper, InputProjectionWrapper,
                                   OutputProjectionWrapper, ResidualWrapper)
from varscope.compat.v1._missing import missing_of

LayerRNNCell = RNNCell

__all__ = [
    "AttentionCellWrapper", "BasicLSTMCell", "BasicRNNCell", "Conv1DLSTMCell", "Conv2DLSTMCell",
    "Conv3DLSTMCell", "ConvLSTMCell", "DeviceWrapper", "DropoutWrapper", "EmbeddingWrapper",
    "GRUBlockCell", "GRUBlockCellV2", "GRUCell", "HighwayWrapper", "InputProjectionWrapper",
    "LSTMBlockCell", "LSTMCell", "LSTMStateTuple", "LayerNormBasicLSTMCell", "LayerRNNCell",
    "MultiRNNCell", "NASCell", "OutputProjectionWrapper", "RNNCell", "ResidualWrapper", "UGRNNCell",
    "stack_bidirectional_dynamic_rnn", "stack_bidirectional_rnn", "static_bidirectional_rnn",
    "static_rnn", "transpose_batch_time"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
