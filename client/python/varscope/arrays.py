"""Ops of shapes, and of elements' places, as TensorFlow 1 names their arguments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from varscope import _core
from varscope.indexing import boolean_mask
from varscope.numbers_ import is_symbolic, numbers
from varscope.ops import convert_to_tensor, expand_dims
from varscope.scopes import name_scope


def reshape(tensor: Any, shape: Any, name: str | None = None) -> _core.Tensor:
    """Returns the elements in another shape, which may be a tensor or have tensors in it."""
    dims = numbers(shape)
    if is_symbolic(dims):
        return _core._reshape_to(tensor, dims, name)
    return _core.reshape(tensor, dims, name)


def tile(input: Any, multiples: Any, name: str | None = None) -> _core.Tensor:
    """Returns the input so many times along each dimension."""
    times = numbers(multiples)
    if is_symbolic(times):
        return _core._tile_by(input, times, name)
    return _core.tile(input, times, name)


def fill(dims: Any, value: Any, name: str | None = None) -> _core.Tensor:
    """Returns a tensor of this shape, all of which is the value."""
    return _core.fill(numbers(dims), value, name)


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> _core.Tensor:
    """Returns the input repeated to the shape, as NumPy does."""
    return _core._broadcast_to(input, numbers(shape), name)


def _all(value: int, shape: Any, dtype: Any, name: str | None) -> _core.Tensor:
    dims = numbers(shape)
    if not is_symbolic(dims):
        return (_core.ones if value else _core.zeros)(dims, dtype, name)
    one = np.asarray(value, _core.as_dtype(dtype).as_numpy_dtype)
    return _core.fill(dims, one, name or ("ones" if value else "zeros"))


def zeros(shape: Any, dtype: Any = _core.as_dtype("float32"),
          name: str | None = None) -> _core.Tensor:
    """Returns zeros."""
    return _all(0, shape, dtype, name)


def ones(shape: Any, dtype: Any = _core.as_dtype("float32"),
         name: str | None = None) -> _core.Tensor:
    """Returns ones."""
    return _all(1, shape, dtype, name)


# As NumPy, and TensorFlow's range, find a common one.
_RANGES = ["int32", "int64", "float32", "float64"]


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None,
          name: str | None = None) -> _core.Tensor:
    """Returns start, start + delta and so on, before limit; from 0 where there is one number."""
    if limit is None:
        start, limit = 0, start
    parts = [convert_to_tensor(part) for part in (start, limit, delta)]
    if dtype is None:
        names = [part.dtype.name for part in parts]
        dtype = max(names, key=_RANGES.index)
    parts = [part if part.dtype == dtype else _core.cast(part, dtype) for part in parts]
    return _core._range(*parts, name)


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> _core.Tensor:
    """Returns x where the condition is true, else y; without both the places of what is true."""
    if (x is None) != (y is None):
        raise ValueError("x and y must both be non-None or both be None.")
    if x is None:
        return _core._where_true(condition, name)
    return _core._where(condition, x, y, name)


class Unique(NamedTuple):
    """What unique() returns."""

    y: Any
    idx: Any


class UniqueWithCounts(NamedTuple):
    """What unique_with_counts() returns."""

    y: Any
    idx: Any
    count: Any


def unique(x: Any, out_idx: Any = _core.as_dtype("int32"), name: str | None = None) -> Unique:
    """Returns the distinct elements of a vector, and for each element its number among them."""
    return Unique(*_core._unique(x, out_idx, name))


def unique_with_counts(x: Any, out_idx: Any = _core.as_dtype("int32"),
                       name: str | None = None) -> UniqueWithCounts:
    """Returns the same, and how often each is there."""
    with name_scope(name, "UniqueWithCounts", [x]):
        y, idx = _core._unique(x, out_idx, None)
        one = _core.cast(_core.ones_like(idx), "float32")
        count = _core.unsorted_segment_sum(one, idx, _core.size(y))
        return UniqueWithCounts(y, idx, _core.cast(count, out_idx))


def gather(params: Any, indices: Any, validate_indices: bool | None = None,
           name: str | None = None, axis: int | None = None,
           batch_dims: int = 0) -> _core.Tensor:
    """Returns the slices of params, along an axis, that indices number."""
    if batch_dims != 0:
        raise NotImplementedError("gather: varscope has no 'batch_dims'")
    if axis in (None, 0):
        return _core._gather(params, indices, name)
    with name_scope(name, "GatherV2", [params, indices]):
        params, indices = convert_to_tensor(params), convert_to_tensor(indices)
        rank, own = len(params.shape), len(indices.shape)
        axis %= rank
        others = [i for i in _numbered(rank) if i != axis]
        rows = _core._gather(_core.transpose(params, [axis, *others]), indices, None)
        front = [own + i for i in _numbered(axis)]
        back = [own + i for i in _numbered(rank - 1)][axis:]
        return _core.transpose(rows, [*front, *_numbered(own), *back])


def _numbered(count: int) -> list[int]:
    return list(np.arange(count).tolist())


def gather_nd(params: Any, indices: Any, name: str | None = None,
              batch_dims: int = 0) -> _core.Tensor:
    """Returns params[indices[..., :]]."""
    if batch_dims != 0:
        raise NotImplementedError("gather_nd: varscope has no 'batch_dims'")
    return _core._gather_nd(params, indices, name)


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> _core.Tensor:
    """Returns zeros of this shape, to which the updates are added where indices say."""
    return _core.scatter_nd(indices, updates, numbers(shape), name)


def reverse_sequence(input: Any, seq_lengths: Any, seq_axis: int | None = None,
                     batch_axis: int | None = None, name: str | None = None,
                     seq_dim: int | None = None, batch_dim: int | None = None) -> _core.Tensor:
    """Returns the input with the first seq_lengths[b] steps of each b from their ends."""
    along = seq_dim if seq_axis is None else seq_axis
    if along is None:
        raise ValueError("reverse_sequence: seq_axis is missing")
    batch = batch_dim if batch_axis is None else batch_axis
    return _core._reverse_sequence(input, seq_lengths, along, batch or 0, name)


def one_hot(indices: Any, depth: Any, on_value: Any = None, off_value: Any = None,
            axis: int | None = None, dtype: Any = None, name: str | None = None) -> _core.Tensor:
    """Returns on_value, 1, at the index along a new axis, the last one, else off_value, 0."""
    indices = convert_to_tensor(indices)
    if dtype is None:
        given = on_value if on_value is not None else off_value
        dtype = "float32" if given is None else convert_to_tensor(given).dtype
    plain = on_value in (None, 1) and off_value in (None, 0)
    rank = indices.shape.ndims
    moved = axis not in (None, -1) and axis != rank
    with name_scope(name, "one_hot", [indices]) as scope:
        made = _one_hot(indices, depth, dtype, scope if plain and not moved else None)
        if not plain:
            on = _core.cast(1 if on_value is None else on_value, dtype)
            off = _core.cast(0 if off_value is None else off_value, dtype)
            ones = _core.ones_like(made)
            made = where(_core.cast(made, "bool"), ones * on, ones * off)
        if moved:
            order = _numbered(rank)
            order.insert(axis, rank)
            made = _core.transpose(made, order)
        return made


def _one_hot(indices: Any, depth: Any, dtype: Any, name: str | None) -> _core.Tensor:
    if not is_symbolic(depth):
        return _core._one_hot(indices, int(depth), dtype, name)
    classes = range(_core.cast(depth, indices.dtype))
    return _core.cast(_core.equal(expand_dims(indices, -1), classes), dtype, name)


def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str | None = None,
        constant_values: Any = 0) -> _core.Tensor:
    """Returns the tensor with a value around it, or with its own elements mirrored there."""
    sides = [(int(a), int(b)) for a, b in paddings]
    if mode.upper() not in ("CONSTANT", "REFLECT", "SYMMETRIC"):
        raise ValueError(f"Unknown padding mode: {mode}")
    if mode.upper() != "CONSTANT":
        return _mirrored(tensor, sides, 0 if mode.upper() == "SYMMETRIC" else 1, name)
    if not is_symbolic(constant_values) and constant_values == 0:
        return _core._pad(tensor, sides, name)
    with name_scope(name, "PadV2", [tensor]):
        tensor = convert_to_tensor(tensor)
        inside = _core._pad(_core.ones_like(tensor), sides, None)
        value = _core.cast(constant_values, tensor.dtype)
        return _core._pad(tensor, sides, None) + (1 - inside) * value


def _mirrored(tensor: Any, sides: list[tuple[int, int]], skip: int,
              name: str | None) -> _core.Tensor:
    with name_scope(name, "MirrorPad", [tensor]):
        x = convert_to_tensor(tensor)
        for axis, (before, after) in enumerate(sides):
            whole = (slice(None),) * axis
            parts = [x]
            if before:
                parts.insert(0, _core.reverse(x[(*whole, slice(skip, skip + before))], [axis]))
            if after:
                last = slice(-after - skip, -skip or None)
                parts.append(_core.reverse(x[(*whole, last)], [axis]))
            x = _core._concat(parts, axis, None)
        return x


def meshgrid(*args: Any, indexing: str = "xy", name: str | None = None) -> list[_core.Tensor]:
    """Returns the coordinates of a grid, one tensor for each vector."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing parameter must be either 'xy' or 'ij', got {indexing!r}")
    with name_scope(name, "meshgrid", args):
        vectors = [_core.reshape(convert_to_tensor(arg), [-1]) for arg in args]
        axes = _numbered(len(vectors))
        if indexing == "xy" and len(axes) > 1:
            axes[:2] = [1, 0]
        sizes: list[Any] = [None] * len(vectors)
        for vector, axis in zip(vectors, axes):
            known = vector.shape.as_list()[0]
            sizes[axis] = _core.size(vector) if known is None else known
        grids = []
        for vector, axis in zip(vectors, axes):
            own = [1] * len(vectors)
            own[axis] = -1
            grids.append(broadcast_to(_core.reshape(vector, own), sizes))
        return grids


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = _core.as_dtype("bool"),
                  name: str | None = None) -> _core.Tensor:
    """Returns [..., maxlen]: whether a step is before the sequence's end."""
    with name_scope(name, "SequenceMask", [lengths]):
        lengths = convert_to_tensor(lengths)
        steps = _core.reduce_max(lengths) if maxlen is None else convert_to_tensor(maxlen)
        numbers_of_steps = _core._range(_core.cast(0, lengths.dtype),
                                        _core.cast(steps, lengths.dtype),
                                        _core.cast(1, lengths.dtype), None)
        mask = _core.less(numbers_of_steps, expand_dims(lengths, -1))
        return mask if _core.as_dtype(dtype) == "bool" else _core.cast(mask, dtype)


def segment_sum(data: Any, segment_ids: Any, name: str | None = None) -> _core.Tensor:
    """Returns the sums of rows of the same number, which are in order."""
    with name_scope(name, "SegmentSum", [data, segment_ids]):
        ids = convert_to_tensor(segment_ids)
        return _core.unsorted_segment_sum(data, ids, _core.add(_core.reduce_max(ids), 1))


def dynamic_partition(data: Any, partitions: Any, num_partitions: int,
                      name: str | None = None) -> list[_core.Tensor]:
    """Returns for each number the rows whose partition it is."""
    with name_scope(name, "DynamicPartition", [data, partitions]):
        partitions = convert_to_tensor(partitions)
        return [boolean_mask(data, _core.equal(partitions, number))
                for number in _numbered(num_partitions)]


def invert_permutation(x: Any, name: str | None = None) -> _core.Tensor:
    """Returns where each number is in a list of all numbers below its length."""
    with name_scope(name, "InvertPermutation", [x]):
        x = convert_to_tensor(x)
        places = _core.cast(range(_core.size(x)), "float32")
        found = _core.scatter_nd(expand_dims(x, -1), places, _core.shape(x))
        return _core.cast(found, x.dtype)
