"""tf.contrib.legacy_seq2seq."""

from typing import TYPE_CHECKING

from varscope.rnn.decoders import basic_rnn_seq2seq, rnn_decoder
from varscope.rnn.sequence_loss import legacy_sequence_loss as sequence_loss
from varscope.rnn.sequence_loss import sequence_loss_by_example
from varscope.compat.v1._missing import missing_of

__all__ = [
    "basic_rnn_seq2seq", "rnn_decoder", "sequence_loss", "sequence_loss_by_example"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
