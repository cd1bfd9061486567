"""tf.contrib.seq2seq."""

from typing import TYPE_CHECKING

from varscope.rnn.sequence_loss import sequence_loss
from varscope.compat.v1._missing import missing_of

__all__ = [
    "sequence_loss"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
