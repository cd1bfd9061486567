"""tf.contrib.lookup."""

from typing import TYPE_CHECKING

from varscope.tables import (
    HashTable, KeyValueTensorInitializer, MutableHashTable, StaticHashTable,
    StaticVocabularyTable, TextFileIndex, TextFileInitializer, index_table_from_file,
    index_table_from_tensor, index_to_string_table_from_file, index_to_string_table_from_tensor)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "HashTable", "KeyValueTensorInitializer", "MutableHashTable", "StaticHashTable",
    "StaticVocabularyTable", "TextFileIndex", "TextFileInitializer", "index_table_from_file",
    "index_table_from_tensor", "index_to_string_table_from_file",
    "index_to_string_table_from_tensor"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
