"""tf.contrib, as far as scripts use it."""

from typing import TYPE_CHECKING

from varscope.compat.v1.contrib import (crf, data, distributions, factorization,
                                        framework, layers, learn, linalg,
                                        legacy_seq2seq, lookup, losses, metrics,
                                        opt, predictor, rnn, seq2seq, slim, tensorboard,
                                        tpu, training, util)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "crf", "data", "distributions", "factorization", "framework", "layers", "learn",
    "legacy_seq2seq", "linalg", "lookup", "losses", "metrics", "opt", "predictor", "rnn", "seq2seq", "slim",
    "tensorboard", "tpu", "training", "util"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
