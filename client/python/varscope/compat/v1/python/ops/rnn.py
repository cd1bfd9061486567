"""tensorflow.python.ops.rnn."""

from typing import TYPE_CHECKING

from varscope.rnn.unrolling import (bidirectional_dynamic_rnn, dynamic_rnn, static_bidirectional_rnn,
                                    static_rnn)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "bidirectional_dynamic_rnn", "dynamic_rnn", "static_bidirectional_rnn", "static_rnn"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
