"""tf.contrib.learn.preprocessing."""

from typing import TYPE_CHECKING

from varscope.learning.vocabulary import CategoricalVocabulary, VocabularyProcessor, tokenizer
from varscope.compat.v1._missing import missing_of

__all__ = [
    "CategoricalVocabulary", "VocabularyProcessor", "tokenizer"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
