"""Tables of words and numbers: tf.contrib.lookup, and tf.lookup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from varscope import _core, errors
from varscope.collections_ import GraphKeys, add_to_collection
from varscope.data.elements import dtype_of
from varscope.derived import Derived
from varscope.ops import convert_to_tensor
from varscope.sparse import SparseTensor
from varscope.strings.fingerprints import fingerprint
from varscope.strings.ops import read_whole
from varscope.strings.tensors import (Computed, StringTensor, bytes_of, computed, is_string, is_text,
                                      outputs, string)

_INT64 = _core.as_dtype("int64")


class TextFileIndex:
    """What a text file's lines give: the whole line, or its number."""

    WHOLE_LINE, LINE_NUMBER = -2, -1


class KeyValueTensorInitializer:
    """What a table has at first: keys with values."""

    def __init__(self, keys: Any, values: Any, key_dtype: Any = None, value_dtype: Any = None,
                 name: str | None = None) -> None:
        self.parts = [_tensor(keys, key_dtype), _tensor(values, value_dtype)]
        self.key_dtype, self.value_dtype = (part.dtype for part in self.parts)

    def pairs(self, keys: Any, values: Any) -> dict[Any, Any]:
        return dict(zip(np.ravel(keys).tolist(), np.ravel(values).tolist()))


def _tensor(x: Any, dtype: Any) -> Any:
    return convert_to_tensor(x, None if dtype is None or is_string(dtype) else dtype)


class TextFileInitializer:
    """What a table has at first: the lines of a file, or columns of them."""

    def __init__(self, filename: Any, key_dtype: Any, key_index: int, value_dtype: Any,
                 value_index: int, vocab_size: int | None = None, delimiter: str = "\t",
                 name: str | None = None, value_index_offset: int = 0) -> None:
        self.parts = [convert_to_tensor(filename)]
        self.key_dtype, self.value_dtype = dtype_of(key_dtype), dtype_of(value_dtype)
        self._places, self._size = (key_index, value_index), vocab_size
        self._delimiter, self._offset = delimiter.encode(), value_index_offset

    def pairs(self, filename: Any) -> dict[Any, Any]:
        lines = read_whole(filename).splitlines()[:self._size]
        return dict((self._part(line, number, place, dtype) for place, dtype in zip(
            self._places, (self.key_dtype, self.value_dtype))) for number, line in enumerate(lines))

    def _part(self, line: bytes, number: int, place: int, dtype: Any) -> Any:
        if place == TextFileIndex.LINE_NUMBER:
            return number + self._offset
        part = line if place == TextFileIndex.WHOLE_LINE else line.split(self._delimiter)[place]
        return part if is_string(dtype) else dtype.as_numpy_dtype(part).item()


class HashTable:
    """A table of keys with values. What it has at first it has when its initializer was run."""

    def __init__(self, initializer: Any, default_value: Any, shared_name: str | None = None,
                 name: str | None = None) -> None:
        self.key_dtype, self.value_dtype = initializer.key_dtype, initializer.value_dtype
        self._default = bytes_of(default_value) if is_text(default_value) else default_value
        self._pairs: dict[Any, Any] | None = None
        self._name = name or "hash_table"
        self._initializer = initializer
        # Names: tensors would keep the graph alive.
        parts = [x if isinstance(x, StringTensor) else x.name for x in initializer.parts]
        self.initializer = Derived("init_" + self._name, parts, self._start)
        add_to_collection(GraphKeys.TABLE_INITIALIZERS, self.initializer)

    init = property(lambda self: self.initializer)
    name = property(lambda self: self._name)

    @property
    def default_value(self) -> Any:
        """What it gives for other keys."""
        return self._default

    def _start(self, parts: list[Any]) -> None:
        self._pairs = self._initializer.pairs(*parts)

    def _filled(self) -> dict[Any, Any]:
        if self._pairs is None:
            raise errors.FailedPreconditionError(None, None, "Table not initialized.")
        return self._pairs

    def value_of(self, key: Any) -> Any:
        return self._filled().get(key, self._default)

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """Returns the values of keys, in a tensor of their shape; of a sparse tensor of its values."""
        if isinstance(keys, SparseTensor):
            return SparseTensor(keys.indices, self.lookup(keys.values), keys.dense_shape)
        keys = convert_to_tensor(keys)
        kind = object if is_string(self.value_dtype) else self.value_dtype.as_numpy_dtype

        def found(given: Any) -> Any:
            if isinstance(given, bytes) or np.ndim(given) == 0:
                value = self.value_of(given if isinstance(given, bytes) else given.item())
                return value if kind is object else kind(value)
            made = np.empty(np.shape(given), kind)
            for place in np.ndindex(made.shape):
                key = given[place]
                made[place] = self.value_of(key if isinstance(key, bytes) else key.item())
            return made

        return computed(name or self._name + "_Lookup", found, [keys], keys._dims,
                        self.value_dtype)

    __getitem__ = lookup

    def size(self, name: str | None = None) -> _core.Tensor:
        """Returns how many keys there are."""
        return _computed(lambda: np.int64(len(self._filled())), name or self._name + "_Size")


StaticHashTable = HashTable


def _computed(function: Callable[[], Any], name: str) -> Any:
    return outputs(Computed(lambda: [function()], []), [(_INT64, [])], name)[0]


class IndexTable(HashTable):
    """A table of words' numbers, with further numbers that words without one share."""

    def __init__(self, initializer: Any, default_value: Any, num_oov_buckets: int = 0,
                 name: str | None = None) -> None:
        super().__init__(initializer, default_value, None, name)
        self._buckets = num_oov_buckets

    def value_of(self, key: Any) -> Any:
        pairs = self._filled()
        if key in pairs or not self._buckets:
            return pairs.get(key, self._default)
        text = key if isinstance(key, bytes) else str(key).encode()
        return len(pairs) + fingerprint(text) % self._buckets

    def size(self, name: str | None = None) -> _core.Tensor:
        """Returns how many numbers there are."""
        return _computed(lambda: np.int64(len(self._filled()) + self._buckets),
                         name or self._name + "_Size")


def StaticVocabularyTable(initializer: Any, num_oov_buckets: int, lookup_key_dtype: Any = None,
                          name: str | None = None) -> IndexTable:
    """Returns a table of words' numbers, and of other words'."""
    return IndexTable(initializer, -1, num_oov_buckets, name)


def index_table_from_tensor(vocabulary_list: Any = None, num_oov_buckets: int = 0,
                            default_value: int = -1, hasher_spec: Any = None, dtype: Any = string,
                            name: str | None = None, mapping: Any = None) -> IndexTable:
    """Returns a table of the places of words in a list."""
    words = vocabulary_list if mapping is None else mapping
    if words is None:
        raise ValueError("`vocabulary_list` must be specified.")
    keys = _tensor(words, None if is_string(dtype) else dtype)
    return IndexTable(_Numbered(keys), default_value, num_oov_buckets, name or "string_to_index")


class _Numbered:
    """What a table has at first: keys, with their places."""

    value_dtype = _INT64

    def __init__(self, keys: Any) -> None:
        self.parts, self.key_dtype = [keys], keys.dtype

    def pairs(self, keys: Any) -> dict[Any, Any]:
        return {key: place for place, key in enumerate(np.ravel(keys).tolist())}


def index_table_from_file(vocabulary_file: Any = None, num_oov_buckets: int = 0,
                          vocab_size: int | None = None, default_value: int = -1,
                          hasher_spec: Any = None, key_dtype: Any = string,
                          name: str | None = None, key_column_index: int = -2,
                          value_column_index: int = -1, delimiter: str = "\t") -> IndexTable:
    """Returns a table of the numbers of a file's lines."""
    lines = TextFileInitializer(vocabulary_file, key_dtype, key_column_index, _INT64,
                                value_column_index, vocab_size, delimiter)
    return IndexTable(lines, default_value, num_oov_buckets, name or "string_to_index")


class _Words:
    """What a table has at first: places, with their words."""

    key_dtype, value_dtype = _INT64, string

    def __init__(self, words: Any) -> None:
        self.parts = [convert_to_tensor(words)]

    def pairs(self, words: Any) -> dict[Any, Any]:
        return dict(enumerate(np.ravel(words).tolist()))


def index_to_string_table_from_tensor(vocabulary_list: Any = None, default_value: str = "UNK",
                                      name: str | None = None, mapping: Any = None) -> HashTable:
    """Returns a table of the words in a list by their places."""
    words = vocabulary_list if mapping is None else mapping
    return HashTable(_Words(words), default_value, None, name or "index_to_string")


def index_to_string_table_from_file(vocabulary_file: Any, vocab_size: int | None = None,
                                    default_value: str = "UNK", name: str | None = None,
                                    key_column_index: int = -1, value_column_index: int = -2,
                                    delimiter: str = "\t") -> HashTable:
    """Returns a table of a file's lines by their numbers."""
    lines = TextFileInitializer(vocabulary_file, _INT64, key_column_index, string,
                                value_column_index, vocab_size, delimiter)
    return HashTable(lines, default_value, None, name or "index_to_string")


class MutableHashTable(HashTable):
    """A table of which a run changes what it has."""

    def __init__(self, key_dtype: Any, value_dtype: Any, default_value: Any,
                 shared_name: str | None = None, name: str = "MutableHashTable",
                 checkpoint: bool = True) -> None:
        class Nothing:
            parts: list[Any] = []
            pairs = staticmethod(dict)

        Nothing.key_dtype, Nothing.value_dtype = dtype_of(key_dtype), dtype_of(value_dtype)
        super().__init__(Nothing, default_value, None, name)
        self._pairs = {}

    def _start(self, parts: list[Any]) -> None:
        """It is there without an initializer."""

    def insert(self, keys: Any, values: Any, name: str | None = None) -> Derived:
        """Returns what gives keys their values, when a run is over."""
        parts = [convert_to_tensor(keys), convert_to_tensor(values)]
        parts = [x if isinstance(x, StringTensor) else x.name for x in parts]
        return Derived(name or "insert", parts, lambda made: self._filled().update(
            zip(np.ravel(made[0]).tolist(), np.ravel(made[1]).tolist())))

    def remove(self, keys: Any, name: str | None = None) -> Derived:
        """Returns what takes keys away, when a run is over."""
        keys = convert_to_tensor(keys)
        part = keys if isinstance(keys, StringTensor) else keys.name
        return Derived(name or "remove", [part], lambda made: [
            self._filled().pop(key, None) for key in np.ravel(made[0]).tolist()])
