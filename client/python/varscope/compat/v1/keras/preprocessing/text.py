"""tf.keras.preprocessing.text."""

from typing import TYPE_CHECKING

from varscope.keras.texts import Tokenizer, one_hot, text_to_word_sequence
from varscope.compat.v1._missing import missing_of

__all__ = [
    "Tokenizer", "one_hot", "text_to_word_sequence"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
