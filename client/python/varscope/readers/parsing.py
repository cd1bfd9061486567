"""From the records of tf.train.Example to tensors."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from varscope import _core, errors, shapes
from varscope.sparse import SparseTensor
from varscope.strings.tensors import Computed, bytes_of, is_string, outputs, to_text
from varscope.summaries import wire


class FixedLenFeature(NamedTuple):
    """A feature of a shape; the default stands for one that a record does not have."""

    shape: Any
    dtype: Any
    default_value: Any = None


class VarLenFeature(NamedTuple):
    """A feature of any length: a SparseTensor."""

    dtype: Any


class FixedLenSequenceFeature(NamedTuple):
    """A feature of any number of parts of a shape."""

    shape: Any
    dtype: Any
    allow_missing: bool = False
    default_value: Any = None


def features_of(record: bytes) -> dict[str, list[Any]]:
    """Returns the lists that a record has, by their names. InvalidArgumentError for other bytes."""
    return {name: items for name, (_, items) in typed_features_of(record).items()}


def typed_features_of(record: bytes) -> dict[str, tuple[int, list[Any]]]:
    """The same, with the kind of each list: 1 has bytes, 2 floats, 3 whole numbers, 0 nothing."""
    try:
        found = {}
        for _, features in wire.fields(record):
            for _, entry in wire.fields(features):
                parts = dict(wire.fields(entry))
                feature = parts.get(2, b"")
                kind = next((kind for kind, _ in wire.fields(feature)), 0)
                found[parts[1].decode()] = kind, list_of(feature)
        return found
    except (ValueError, IndexError, KeyError, AttributeError, TypeError, struct.error):
        raise errors.InvalidArgumentError(None, None, "Could not parse example input") from None


def list_of(feature: bytes) -> list[Any]:
    """Returns the items of a feature's list."""
    for kind, content in wire.fields(feature):
        return [x for field, part in wire.fields(content) if field == 1 for x in _items(kind, part)]
    return []


def _items(kind: int, part: Any) -> list[Any]:
    if kind == 1:
        return [part]
    if not isinstance(part, bytes):
        return [_signed(part) if kind == 3 else part]
    if kind == 2:
        return list(struct.unpack(f"<{len(part) // 4}f", part))
    found, at = [], 0
    while at < len(part):
        number, at = wire.varint_at(part, at)
        found.append(_signed(number))
    return found


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def array_of(name: str, items: list[Any], dtype: Any) -> np.ndarray:
    """A feature's list as an array. InvalidArgumentError when it is of another kind."""
    kind = (bytes,) if is_string(dtype) else (float,) if dtype.is_floating else (int,)
    if items and not isinstance(items[0], kind):
        raise errors.InvalidArgumentError(
            None, None, f"Key: {name}.  Data types don't match. Expected type: {dtype.name}")
    found = np.empty(len(items), object if is_string(dtype) else dtype.as_numpy_dtype)
    found[:] = items
    return found


def dtype_of(feature: Any) -> Any:
    return feature.dtype if is_string(feature.dtype) else _core.as_dtype(feature.dtype)


def parsed(name: str, feature: Any, items: list[Any] | None) -> list[Any]:
    """The values of a feature of one record: three of a VarLenFeature."""
    dtype = dtype_of(feature)
    if isinstance(feature, VarLenFeature):
        values = array_of(name, items or [], dtype)
        places = np.arange(len(values), dtype=np.int64)[:, None]
        return [places, values, np.array([len(values)], np.int64)]
    if isinstance(feature, FixedLenSequenceFeature):
        return [array_of(name, items or [], dtype).reshape([-1, *feature.shape])]
    if items is None:
        return [_default(name, feature, dtype)]
    dims = [int(n) for n in _listed(feature.shape)]
    array = array_of(name, items, dtype)
    if array.size != int(np.prod(dims)):
        raise errors.InvalidArgumentError(
            None, None, f"Key: {name}.  Number of {dtype.name} values != expected.  "
            f"values size: {array.size} but output shape: {dims}")
    return [array.reshape(dims)[()]]


def _listed(shape: Any) -> list[Any]:
    return list(shape) if hasattr(shape, "__len__") else [shape]


def _default(name: str, feature: Any, dtype: Any) -> Any:
    if feature.default_value is None:
        raise errors.InvalidArgumentError(
            None, None, f"Feature: {name} (data type: {dtype.name}) is required but could not be "
            "found.")
    if is_string(dtype):
        return bytes_of(feature.default_value)
    value = np.asarray(feature.default_value, dtype.as_numpy_dtype)
    return np.broadcast_to(value, _listed(feature.shape))[()]


def specs_of(feature: Any, rows: list[int]) -> list[tuple[Any, list[int] | None]]:
    dtype = dtype_of(feature)
    if isinstance(feature, VarLenFeature):
        int64, rank = _core.as_dtype("int64"), len(rows) + 1
        return [(int64, [-1, rank]), (dtype, [-1]), (int64, [rank])]
    dims = shapes.dims_of(feature.shape) or []
    if isinstance(feature, FixedLenSequenceFeature):
        dims = [-1, *dims]
    return [(dtype, [*rows, *dims])]


def parse_single_example(serialized: Any, features: Mapping[str, Any],
                         name: str | None = None, example_names: Any = None) -> dict[str, Any]:
    """Returns tensors of a record's features, by their names."""
    return _made(serialized, features, [], name or "ParseSingleExample", lambda record: [record])


def parse_example(serialized: Any, features: Mapping[str, Any], name: str | None = None,
                  example_names: Any = None) -> dict[str, Any]:
    """The same of a batch of records."""
    return _made(serialized, features, [-1], name or "ParseExample", list)


def _made(serialized: Any, features: Mapping[str, Any], rows: list[int], name: str,
          records: Any) -> dict[str, Any]:
    def parse(text: Any) -> list[Any]:
        read = [features_of(record) for record in records(text)]
        found = []
        for key, feature in features.items():
            parts = [parsed(key, feature, one.get(key)) for one in read]
            found += parts[0] if not rows else _together(feature, parts)
        return found

    specs = [spec for feature in features.values() for spec in specs_of(feature, rows)]
    left = iter(outputs(Computed(parse, [to_text(serialized)]), specs, name))
    return {key: SparseTensor(next(left), next(left), next(left))
            if isinstance(feature, VarLenFeature) else next(left)
            for key, feature in features.items()}


def _together(feature: Any, parts: list[list[Any]]) -> list[Any]:
    """One feature of several records."""
    if not isinstance(feature, VarLenFeature):
        first = [part[0] for part in parts]
        if isinstance(first[0], bytes):
            return [bytes_of(first)]
        if isinstance(feature, FixedLenSequenceFeature):
            from varscope.readers.batches import padded
            return [padded(first)]
        return [np.stack(first)]
    places = [[row, int(place[0])] for row, part in enumerate(parts) for place in part[0]]
    longest = max(int(part[2][0]) for part in parts)
    return [np.array(places, np.int64).reshape(-1, 2), np.concatenate([part[1] for part in parts]),
            np.array([len(parts), longest], np.int64)]
