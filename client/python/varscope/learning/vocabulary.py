"""Words as numbers."""

from __future__ import annotations

import pickle
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

_WORDS = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z][a-z]+(?=[A-Z])|[\'\w\-]+", re.UNICODE)


def tokenizer(iterator: Iterable[str]) -> Iterator[list[str]]:
    """Gives the words of each text."""
    for text in iterator:
        yield _WORDS.findall(text)


class CategoricalVocabulary:
    """Numbers of words: 0 is that of words that are not known."""

    def __init__(self, unknown_token: str = "<UNK>", support_reverse: bool = True) -> None:
        self._unknown = unknown_token
        self._numbers = {unknown_token: 0}
        self._words = [unknown_token]
        self._counts: Counter[str] = Counter()
        self._frozen = False

    @property
    def _mapping(self) -> dict[str, int]:
        return self._numbers

    def __len__(self) -> int:
        return len(self._words)

    def freeze(self, freeze: bool = True) -> None:
        """Lets no further words in."""
        self._frozen = freeze

    def get(self, category: str) -> int:
        """Returns a word's number; a new word gets the next one."""
        if category not in self._numbers and not self._frozen:
            self._numbers[category] = len(self._words)
            self._words.append(category)
        return self._numbers.get(category, 0)

    def add(self, category: str, count: int = 1) -> None:
        """Counts a word."""
        if self.get(category) > 0:
            self._counts[category] += count

    def trim(self, min_frequency: int, max_frequency: int = -1) -> None:
        """Keeps the words that come more than min_frequency times, the most frequent first."""
        kept = sorted(self._counts.items(), key=lambda pair: (-pair[1], pair[0]))
        words = [word for word, count in kept if count > min_frequency and (
            max_frequency < 0 or count <= max_frequency)]
        self._words = [self._unknown, *words]
        self._numbers = {word: number for number, word in enumerate(self._words)}
        self._counts = Counter({word: self._counts[word] for word in words})

    def reverse(self, class_id: int) -> str:
        """Returns the word of a number."""
        return self._words[class_id]


class VocabularyProcessor:
    """Texts as rows of their words' numbers, all of one length."""

    def __init__(self, max_document_length: int, min_frequency: int = 0,
                 vocabulary: CategoricalVocabulary | None = None,
                 tokenizer_fn: Callable[[Iterable[str]], Iterator[list[str]]] | None = None
                 ) -> None:
        self.max_document_length = max_document_length
        self.min_frequency = min_frequency
        self.vocabulary_ = vocabulary or CategoricalVocabulary()
        self._tokenizer = tokenizer_fn or tokenizer

    def fit(self, raw_documents: Iterable[str], unused_y: Any = None) -> VocabularyProcessor:
        """Learns the texts' words."""
        for words in self._tokenizer(raw_documents):
            for word in words:
                self.vocabulary_.add(word)
        if self.min_frequency > 0:
            self.vocabulary_.trim(self.min_frequency)
        self.vocabulary_.freeze()
        return self

    def transform(self, raw_documents: Iterable[str]) -> Iterator[np.ndarray]:
        """Gives each text's row, with zeros at its end."""
        for words in self._tokenizer(raw_documents):
            row = np.zeros(self.max_document_length, np.int64)
            known = [self.vocabulary_.get(word) for word in words[:self.max_document_length]]
            row[:len(known)] = known
            yield row

    def fit_transform(self, raw_documents: Iterable[str],
                      unused_y: Any = None) -> Iterator[np.ndarray]:
        """Learns the words, and gives the rows."""
        documents = list(raw_documents)
        return self.fit(documents).transform(documents)

    def reverse(self, documents: Iterable[Iterable[int]]) -> Iterator[str]:
        """Gives the texts of rows."""
        for row in documents:
            yield " ".join(self.vocabulary_.reverse(number) for number in row)

    def save(self, filename: str) -> None:
        """Writes it to a file."""
        with open(filename, "wb") as file:
            pickle.dump(self, file)

    @classmethod
    def restore(cls, filename: str) -> VocabularyProcessor:
        """Returns what save() has written. The file must be one's own: it is Python's pickle."""
        with open(filename, "rb") as file:
            return pickle.load(file)
