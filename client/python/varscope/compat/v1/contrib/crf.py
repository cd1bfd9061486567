"""tf.contrib.crf."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.rnn.crf import (CrfForwardRnnCell, crf_binary_score, crf_decode, crf_log_likelihood,
                              crf_log_norm, crf_sequence_score, crf_unary_score, viterbi_decode)

__all__ = [
    "CrfForwardRnnCell", "crf_binary_score", "crf_decode", "crf_log_likelihood", "crf_log_norm",
    "crf_sequence_score", "crf_unary_score", "viterbi_decode"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
