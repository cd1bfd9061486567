"""tf.keras.preprocessing.text: words as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

_SIGNS = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n"


def text_to_word_sequence(text: str, filters: str = _SIGNS, lower: bool = True,
                          split: str = " ") -> list[str]:
    """Returns the words of a text."""
    text = text.lower() if lower else text
    return [word for word in text.translate(str.maketrans(dict.fromkeys(filters, split))).split(
        split) if word]


def one_hot(text: str, n: int, filters: str = _SIGNS, lower: bool = True,
            split: str = " ") -> list[int]:
    """Returns a number below n for each word: the same for the same word, perhaps also for others."""
    import zlib
    return [zlib.crc32(word.encode()) % (n - 1) + 1
            for word in text_to_word_sequence(text, filters, lower, split)]


class Tokenizer:
    """Numbers words by how often they are there, from 1 on."""

    def __init__(self, num_words: int | None = None, filters: str = _SIGNS, lower: bool = True,
                 split: str = " ", char_level: bool = False, oov_token: str | None = None,
                 document_count: int = 0) -> None:
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.document_count = char_level, oov_token, document_count
        self.word_counts: Counter[str] = Counter()
        self.word_docs: Counter[str] = Counter()
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text: Any) -> list[str]:
        if self.char_level:
            return list(text.lower() if self.lower and isinstance(text, str) else text)
        return list(text) if isinstance(text, list) else text_to_word_sequence(
            text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Learns the words."""
        for text in texts:
            self.document_count += 1
            words = self._words(text)
            self.word_counts.update(words)
            self.word_docs.update(set(words))
        order = sorted(self.word_counts, key=self.word_counts.__getitem__, reverse=True)
        known = ([] if self.oov_token is None else [self.oov_token]) + order
        self.word_index = {word: number for number, word in enumerate(known, 1)}
        self.index_word = {number: word for word, number in self.word_index.items()}

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """Returns each text's numbers; those of words that are rarer than num_words are left out."""
        unknown = self.word_index.get(self.oov_token) if self.oov_token is not None else None
        made = []
        for text in texts:
            numbers = [self.word_index.get(word, unknown) for word in self._words(text)]
            if self.num_words:
                numbers = [x if x is None or x < self.num_words else unknown for x in numbers]
            made.append([x for x in numbers if x is not None])
        return made

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Returns the words of numbers."""
        return [" ".join(self.index_word[x] for x in one if x in self.index_word)
                for one in sequences]

    def sequences_to_matrix(self, sequences: Iterable[Any], mode: str = "binary") -> np.ndarray:
        """Returns a row for each text: which words it has, or how many."""
        if mode not in ("binary", "count", "freq"):
            raise NotImplementedError(f"Tokenizer: varscope has no mode '{mode}'")
        rows = list(sequences)
        made = np.zeros((len(rows), self.num_words or len(self.word_index) + 1))
        for number, row in enumerate(rows):
            for word, count in Counter(row).items():
                made[number, word] = {"binary": 1, "count": count, "freq": count / len(row)}[mode]
        return made

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> np.ndarray:
        """The same of texts."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)
