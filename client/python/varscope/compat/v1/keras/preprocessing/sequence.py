"""tf.keras.preprocessing.sequence."""

from typing import TYPE_CHECKING

from varscope.learning.datasets import pad_sequences
from varscope.compat.v1._missing import missing_of

__all__ = [
    "pad_sequences"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
