"""tf.contrib.legacy_seq2seq."""

from typing import TYPE_CHECKING

from varscope.rnn.decoders import basic_rnn_seq2seq, rnn_decoder
from varscope.rnn.sequence_loss import legacy_sequence_loss as sequence_loss
from varscope.rnn.sequence_loss import sequence_loss_by_example
from varscope.rnn.embedding_decoders import (attention_decoder, embedding_attention_decoder,
                                             embedding_attention_seq2seq, embedding_rnn_decoder,
                                             embedding_rnn_seq2seq, embedding_tied_rnn_seq2seq,
                                             model_with_buckets)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "attention_decoder", "basic_rnn_seq2seq", "embedding_attention_decoder",
    "embedding_attention_seq2seq", "embedding_rnn_decoder", "embedding_rnn_seq2seq",
    "embedding_tied_rnn_seq2seq", "model_with_buckets", "rnn_decoder", "sequence_loss",
    "sequence_loss_by_example"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
