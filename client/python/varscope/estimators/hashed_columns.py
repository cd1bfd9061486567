"""Columns whose categories are numbers of texts: hash buckets, crossed columns, lines of files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from varscope import _core
from varscope.estimators.columns import (Column, _Bucketized, _Categorical, _feature,
                                         categorical_column_with_vocabulary_list)
from varscope.readers.parsing import FixedLenFeature, VarLenFeature
from varscope.strings.fingerprints import fingerprint
from varscope.strings.ops import as_string, read_whole
from varscope.strings.splitting import string_to_hash_bucket_fast
from varscope.strings.tensors import StringTensor, computed, string

_INT64 = _core.as_dtype("int64")


def _text(values: Any) -> Any:
    return values if isinstance(values, StringTensor) else as_string(values)


def categorical_column_with_hash_bucket(key: str, hash_bucket_size: int,
                                        dtype: Any = string) -> _Categorical:
    """A feature of texts, or of whole numbers, by numbers below hash_bucket_size."""
    return _Categorical(key, hash_bucket_size, lambda values: string_to_hash_bucket_fast(
        _text(values), hash_bucket_size))


def categorical_column_with_vocabulary_file(key: str, vocabulary_file: str,
                                            vocabulary_size: int | None = None,
                                            num_oov_buckets: int = 0,
                                            default_value: int | None = None,
                                            dtype: Any = string) -> _Categorical:
    """A feature whose values are the lines of a file, by their numbers."""
    lines = read_whole(vocabulary_file.encode()).splitlines()[:vocabulary_size]
    return categorical_column_with_vocabulary_list(
        key, lines, None, -1 if default_value is None else default_value, num_oov_buckets)


class _Crossed(_Categorical):
    """The number of what several features have together."""

    def __init__(self, keys: Iterable[Any], size: int) -> None:
        self._keys = list(keys)
        if len(self._keys) < 2:
            raise ValueError("keys must be a list with length > 1.")
        names = sorted(key if isinstance(key, str) else key.name for key in self._keys)
        self.name, self.key, self.size = "_X_".join(names), "", size

    def numbers(self, features: Any) -> _core.Tensor:
        parts = [_text(_feature(features, key)) if isinstance(key, str) else _text(
            key.places(features) if isinstance(key, _Bucketized) else key.numbers(features))
            for key in self._keys]

        def cross(*texts: Any) -> Any:
            rows = zip(*[np.ravel(np.asarray(text, object)) for text in texts])
            return np.array([fingerprint(b"_X_".join(row)) % self.size for row in rows], np.int64)

        return computed("crossed", cross, parts, [-1], _INT64)


def crossed_column(keys: Iterable[Any], hash_bucket_size: int,
                   hash_key: int | None = None) -> _Crossed:
    """What several features have together, by numbers below hash_bucket_size, which are varscope's
    own."""
    return _Crossed(keys, hash_bucket_size)


def make_parse_example_spec(feature_columns: Iterable[Column]) -> dict[str, Any]:
    """Returns what tf.parse_example takes for these columns."""
    found: dict[str, Any] = {}
    for column in feature_columns:
        while hasattr(column, "_column") or hasattr(column, "_source"):
            column = getattr(column, "_column", None) or column._source
        if isinstance(column, _Categorical):
            found[column.key] = VarLenFeature(string)
        else:
            found[column.name] = FixedLenFeature([column.size], _core.as_dtype("float32"))
    return found


