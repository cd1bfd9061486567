"""tf.lookup."""

from typing import TYPE_CHECKING

from varscope.tables import (
    KeyValueTensorInitializer, StaticHashTable, StaticVocabularyTable, TextFileIndex,
    TextFileInitializer)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "KeyValueTensorInitializer", "StaticHashTable", "StaticVocabularyTable", "TextFileIndex",
    "TextFileInitializer"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
