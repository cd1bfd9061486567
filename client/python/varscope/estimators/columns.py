"""tf.feature_column: what of an input function's features a model gets, as numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from varscope import _core, initializers
from varscope.arrays import one_hot, reshape
from varscope.ops import convert_to_tensor
from varscope.scopes import variable_scope
from varscope.strings.fingerprints import fingerprint
from varscope.strings.tensors import StringTensor, bytes_of, computed, is_text
from varscope.variables import get_variable


class Column:
    """The base of columns."""

    name: str
    size: int

    def dense(self, features: Any, trainable: bool) -> _core.Tensor:
        """Returns the column's numbers, [batch, size]."""
        raise NotImplementedError


def _feature(features: Any, key: str) -> Any:
    if key not in features:
        raise ValueError(f"Feature {key} is not in features dictionary.")
    return convert_to_tensor(features[key])


class _Numeric(Column):
    def __init__(self, key: str, shape: Any, normalizer: Callable[[Any], Any] | None) -> None:
        self.name, self.size = key, int(np.prod(shape))
        self._normalizer = normalizer

    def dense(self, features: Any, trainable: bool) -> _core.Tensor:
        values = _core.cast(_feature(features, self.name), "float32")
        if self._normalizer is not None:
            values = self._normalizer(values)
        return reshape(values, [-1, self.size])


class _Categorical(Column):
    """One number below `size` for each row; what is -1 is none."""

    def __init__(self, key: str, size: int, numbers: Callable[[Any], Any],
                 name: str | None = None) -> None:
        self.name, self.key, self.size = name or key, key, size
        self._numbers = numbers

    def numbers(self, features: Any) -> _core.Tensor:
        """Returns the numbers, [batch]."""
        return reshape(self._numbers(_feature(features, self.key)), [-1])

    def dense(self, features: Any, trainable: bool) -> _core.Tensor:
        raise ValueError("Items of feature_columns must be a dense column: wrap a categorical one "
                         f"with an embedding_column or indicator_column. Given: {self.name}")


class _Indicator(Column):
    def __init__(self, column: _Categorical) -> None:
        self.name, self.size = column.name + "_indicator", column.size
        self._column = column

    def dense(self, features: Any, trainable: bool) -> _core.Tensor:
        return one_hot(self._column.numbers(features), self.size)


class _Bucketized(Column):
    def __init__(self, source: _Numeric, boundaries: Sequence[float]) -> None:
        if sorted(boundaries) != list(boundaries) or not len(boundaries):
            raise ValueError("boundaries must be a sorted list.")
        self.name, self.size = source.name + "_bucketized", source.size * (len(boundaries) + 1)
        self._source, self._boundaries = source, list(boundaries)

    def places(self, features: Any) -> _core.Tensor:
        """Returns in which range each number is, [batch, numbers]."""
        values = self._source.dense(features, False)[:, :, None]
        limits = np.asarray(self._boundaries, np.float32)
        return _core.reduce_sum(_core.cast(_core.greater_equal(values, limits), "int32"), 2)

    def dense(self, features: Any, trainable: bool) -> _core.Tensor:
        place = self.places(features)
        return reshape(one_hot(place, len(self._boundaries) + 1), [-1, self.size])


class _Embedding(Column):
    def __init__(self, column: _Categorical, dimension: int, initializer: Any,
                 trainable: bool) -> None:
        self.name, self.size = column.name + "_embedding", dimension
        self._column, self._trainable = column, trainable
        self._initializer = initializer or initializers.TruncatedNormal(
            0.0, 1.0 / np.sqrt(dimension))

    def dense(self, features: Any, trainable: bool) -> _core.Tensor:
        rows = get_variable("embedding_weights", [self._column.size, self.size],
                            initializer=self._initializer,
                            trainable=trainable and self._trainable)
        numbers = self._column.numbers(features)
        found = _core.nn._embedding_lookup(rows, _core.maximum(numbers, 0))
        there = _core.cast(_core.greater_equal(numbers, 0), "float32")
        return found * there[:, None]


def numeric_column(key: str, shape: Any = (1,), default_value: None = None, dtype: Any = None,
                   normalizer_fn: Callable[[Any], Any] | None = None) -> _Numeric:
    """A feature of numbers."""
    if default_value is not None:
        raise NotImplementedError("numeric_column: varscope has no 'default_value'")
    return _Numeric(key, shape, normalizer_fn)


def bucketized_column(source_column: _Numeric, boundaries: Sequence[float]) -> _Bucketized:
    """1 for the range that a number is in, else 0."""
    return _Bucketized(source_column, boundaries)


def categorical_column_with_identity(key: str, num_buckets: int,
                                     default_value: int | None = None) -> _Categorical:
    """A feature of whole numbers below num_buckets; others are the default."""
    def numbers(values: Any) -> Any:
        if default_value is None:
            return values
        fits = _core.logical_and(_core.greater_equal(values, 0),
                                 _core.less(values, num_buckets))
        return _core._where(fits, values, _core.ones_like(values) * default_value, None)

    return _Categorical(key, num_buckets, numbers)


def categorical_column_with_vocabulary_list(key: str, vocabulary_list: Iterable[Any],
                                            dtype: Any = None, default_value: int = -1,
                                            num_oov_buckets: int = 0) -> _Categorical:
    """A feature whose values are those of a list, by their places in it."""
    words = list(vocabulary_list)
    if len(set(words)) != len(words):
        raise ValueError(f"Duplicate keys in vocabulary_list: {words}")
    places = {word: place for place, word in enumerate(
        bytes_of(words).tolist() if is_text(words) else words)}

    def place_of(word: Any) -> int:
        if word in places or not num_oov_buckets:
            return places.get(word, default_value)
        return len(words) + fingerprint(word) % num_oov_buckets

    def numbers(values: Any) -> Any:
        if isinstance(values, StringTensor):
            return computed("lookup", lambda text: np.array(
                [place_of(word) for word in np.ravel(text)], np.int64),
                [values], [-1], _core.as_dtype("int64"))
        if num_oov_buckets:
            raise NotImplementedError("categorical_column_with_vocabulary_list: varscope has "
                                      "'num_oov_buckets' of texts alone")
        flat = reshape(values, [-1, 1])
        same = _core.cast(_core.equal(flat, _core.cast(words, flat.dtype)), "int64")
        place = _core.reduce_sum(same * np.arange(len(words)), 1)
        known = _core.greater(_core.reduce_sum(same, 1), 0)
        return _core._where(known, place, _core.ones_like(place) * default_value, None)

    return _Categorical(key, len(words) + num_oov_buckets, numbers)


def indicator_column(categorical_column: _Categorical) -> _Indicator:
    """1 at a category's number, else 0."""
    return _Indicator(categorical_column)


def embedding_column(categorical_column: _Categorical, dimension: int, combiner: str = "mean",
                     initializer: Any = None, ckpt_to_load_from: None = None,
                     tensor_name_in_ckpt: None = None, max_norm: None = None,
                     trainable: bool = True) -> _Embedding:
    """The row of a matrix of its own that a category numbers."""
    for name, value in (("ckpt_to_load_from", ckpt_to_load_from),
                        ("tensor_name_in_ckpt", tensor_name_in_ckpt), ("max_norm", max_norm)):
        if value is not None:
            raise NotImplementedError(f"embedding_column: varscope has no '{name}'")
    return _Embedding(categorical_column, dimension, initializer, trainable)


def input_layer(features: Any, feature_columns: Any, weight_collections: Any = None,
                trainable: bool = True) -> _core.Tensor:
    """Returns all columns side by side, [batch, ...], in the order of their names."""
    columns = [feature_columns] if isinstance(feature_columns, Column) else list(feature_columns)
    for column in columns:
        if not isinstance(column, Column):
            raise ValueError("Items of feature_columns must be a feature column. Given: "
                             f"{column!r}")
    parts = []
    with variable_scope(None, "input_layer"):
        for column in sorted(columns, key=lambda own: own.name):
            with variable_scope(None, column.name):
                parts.append(column.dense(features, trainable))
        return parts[0] if len(parts) == 1 else _core._concat(parts, 1, None)
