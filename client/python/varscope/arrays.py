"""Ops of shapes, and of elements' places, as TensorFlow 1 names their arguments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from varscope import _core
from varscope.checks import checked
from varscope.counting import reduce_all
from varscope.indexing import boolean_mask
from varscope.numbers_ import is_symbolic, numbers
from varscope.ops import convert_to_tensor, expand_dims
from varscope.ranges import range
from varscope.scopes import name_scope
from varscope.selecting import selected
from varscope.shaping import checked_axis, flat_numbers, rank


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


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> _core.Tensor:
    """Returns x where the condition is true, else y; without both the places of what is true."""
    if (x is None) != (y is None):
        raise ValueError("x and y must both be non-None or both be None.")
    if x is None:
        return _core._where_true(condition, name)
    x, y = (_like(x, y), y) if is_symbolic(y) else (x, _like(y, x))
    return _core._where(condition, x, y, name)


def _like(value: Any, other: Any) -> Any:
    """Numbers in a list, of the dtype that the other value has; anything else as it is."""
    if is_symbolic(value) or not isinstance(value, (list, tuple)):
        return value
    return convert_to_tensor(value, (other if is_symbolic(other) else convert_to_tensor(other)).dtype)


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
    with name_scope(name, "UniqueWithCounts", [x]) as scope:
        y, idx = _core._unique(x, out_idx, None)
        count = _core.unsorted_segment_sum(_core.ones_like(idx), idx, _core.size(y))
        return UniqueWithCounts(_core.identity(y, scope), idx, count)


def gather(params: Any, indices: Any, validate_indices: bool | None = None,
           name: str | None = None, axis: int | None = None,
           batch_dims: int = 0) -> _core.Tensor:
    """Returns the slices of params, along an axis, that indices number."""
    if batch_dims != 0:
        raise NotImplementedError("gather: varscope has no 'batch_dims'")
    if axis in (None, 0):
        return _core._gather(params, indices, name)
    with name_scope(name, "GatherV2", [params, indices]) as scope:
        params, indices = convert_to_tensor(params), convert_to_tensor(indices)
        dims, own = rank(params), rank(indices)
        axis = checked_axis(axis, dims)
        others = [i for i in _numbered(dims) if i != axis]
        rows = _core._gather(_core.transpose(params, [axis, *others]), indices, None)
        front = [own + i for i in _numbered(axis)]
        back = [own + i for i in _numbered(dims - 1)][axis:]
        return _core.transpose(rows, [*front, *_numbered(own), *back], scope)


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
        dtype = _dtype_of(on_value, off_value)
    plain = _is_number(on_value, 1) and _is_number(off_value, 0)
    moved = axis not in (None, -1)
    if moved:
        dims = rank(indices)
        if axis < 0:
            raise ValueError(f"axis must be >= -1, got {axis}")
        axis = checked_axis(axis, dims + 1)
        moved = axis != dims
    with name_scope(name, "one_hot", [indices]) as scope:
        last = None if moved else scope
        if plain:
            made = _one_hot(indices, depth, dtype, last)
        else:
            there = _one_hot(indices, depth, _BOOL, None)
            on = _core.cast(1 if on_value is None else on_value, dtype)
            off = _core.cast(0 if off_value is None else off_value, dtype)
            made = selected(there, on, off, there, last)
        if moved:
            order = _numbered(dims)
            order.insert(axis, dims)
            made = _core.transpose(made, order, scope)
        return made


def _dtype_of(on_value: Any, off_value: Any) -> _core.DType:
    """The dtype of the values that are given."""
    on, off = (None if value is None else convert_to_tensor(value).dtype
               for value in (on_value, off_value))
    if on is not None and off is not None and on != off:
        raise TypeError(f"dtype {on.name} of on_value does not match dtype {off.name} of off_value")
    return on or off or _core.as_dtype("float32")


_BOOL = _core.as_dtype("bool")


def _is_number(value: Any, default: int) -> bool:
    """Whether a value is not given, or is the number that it is then."""
    return value is None or (not is_symbolic(value) and np.ndim(value) == 0 and value == default)


def _one_hot(indices: Any, depth: Any, dtype: Any, name: str | None) -> _core.Tensor:
    if not is_symbolic(depth):
        return _core._one_hot(indices, int(depth), dtype, name)
    classes = range(_core.cast(depth, indices.dtype))
    return _core.cast(_core.equal(expand_dims(indices, -1), classes), dtype, name)


def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str | None = None,
        constant_values: Any = 0) -> _core.Tensor:
    """Returns the tensor with a value around it, or with its own elements mirrored there."""
    sides = _sides(paddings)
    if mode.upper() not in ("CONSTANT", "REFLECT", "SYMMETRIC"):
        raise ValueError(f"Unknown padding mode: {mode}")
    if mode.upper() != "CONSTANT":
        return _mirrored(tensor, sides, 0 if mode.upper() == "SYMMETRIC" else 1, name)
    if _is_number(constant_values, 0):
        return _core._pad(tensor, sides, name)
    with name_scope(name, "PadV2", [tensor]) as scope:
        tensor = convert_to_tensor(tensor)
        inside = _core._pad(_core.ones_like(tensor, _BOOL), sides, None)
        wide = _core._pad(tensor, sides, None)
        return selected(inside, wide, _core.cast(constant_values, tensor.dtype), wide, scope)


def _sides(paddings: Any) -> list[tuple[int, int]]:
    """The numbers of elements before and after each dimension."""
    if not is_symbolic(paddings):
        pairs = [list(flat_numbers(pair, "pad")) for pair in paddings]
        if any(len(pair) != 2 for pair in pairs):
            raise ValueError(f"pad: paddings are pairs of numbers, not {paddings!r}")
        sides = [(before, after) for before, after in pairs]
    else:
        if paddings.shape.ndims != 2 or paddings.shape.as_list()[1] != 2:
            raise ValueError(f"pad: paddings have the shape [n, 2], not {paddings.shape}")
        flat = flat_numbers(paddings, "pad")
        sides = list(zip(flat[::2], flat[1::2]))
    if any(n < 0 for pair in sides for n in pair):
        raise ValueError(f"Paddings must be non-negative, not {sides}")
    return sides


def _mirrored(tensor: Any, sides: list[tuple[int, int]], skip: int,
              name: str | None) -> _core.Tensor:
    with name_scope(name, "MirrorPad", [tensor]) as scope:
        x = convert_to_tensor(tensor)
        if rank(x) != len(sides):
            raise ValueError(f"Shape must be rank {len(sides)} but is rank {rank(x)}: there are "
                             f"{len(sides)} paddings for {x!r}")
        for axis, (before, after) in enumerate(sides):
            x = _wide_enough(x, axis, max(before, after) + skip)
            whole = (slice(None),) * axis
            parts = [x]
            if before:
                parts.insert(0, _core.reverse(x[(*whole, slice(skip, skip + before))], [axis]))
            if after:
                last = slice(-after - skip, -skip or None)
                parts.append(_core.reverse(x[(*whole, last)], [axis]))
            x = _core._concat(parts, axis, None)
        return _core.identity(x, scope)


def _wide_enough(x: Any, axis: int, size: int) -> Any:
    """x, of which a mirror shows so many elements."""
    known = x.shape.as_list()[axis]
    if known is not None and known >= size:
        return x
    has = _core.greater_equal(_core.shape(x)[axis], size)
    return checked(x, has, "paddings_are_wider_than_the_tensor")


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
    with name_scope(name, "SequenceMask", [lengths]) as scope:
        lengths = convert_to_tensor(lengths)
        steps = (_core.maximum(_core.reduce_max(lengths), _core.cast(0, lengths.dtype))
                 if maxlen is None else convert_to_tensor(maxlen))
        if steps.shape.ndims not in (None, 0):
            raise ValueError(f"maxlen must be scalar for sequence_mask, not {steps.shape}")
        numbers_of_steps = _core._range(_core.cast(0, steps.dtype), steps,
                                        _core.cast(1, steps.dtype), None)
        ends = _core.cast(expand_dims(lengths, -1), steps.dtype)
        bare = _core.as_dtype(dtype) == "bool"
        mask = _core.less(numbers_of_steps, ends, scope if bare else None)
        return mask if bare else _core.cast(mask, dtype, scope)


def segment_sum(data: Any, segment_ids: Any, name: str | None = None) -> _core.Tensor:
    """Returns the sums of rows of the same number, which are in order."""
    with name_scope(name, "SegmentSum", [data, segment_ids]) as scope:
        ids = convert_to_tensor(segment_ids)
        if ids.shape.ndims not in (None, 1):
            raise ValueError(f"segment_ids should be a vector, not {ids.shape}")
        ids = _core.reshape(ids, [-1])
        before = _core.cast([-1], ids.dtype)
        # From -1 on: so the first is not below 0, and without any the last is -1.
        all_ids = _core._concat([before, ids], 0, None)
        falls = _core.less(all_ids[1:], all_ids[:-1])
        below = _core.less(ids, _core.zeros_like(ids))
        fits = reduce_all(_core.logical_not(_core.logical_or(falls, below)))
        ids = checked(ids, fits, "segment_ids_are_not_increasing")
        return _core.unsorted_segment_sum(data, ids, _core.add(all_ids[-1], 1), scope)


def dynamic_partition(data: Any, partitions: Any, num_partitions: int,
                      name: str | None = None) -> list[_core.Tensor]:
    """Returns for each number the rows whose partition it is."""
    with name_scope(name, "DynamicPartition", [data, partitions]) as scope:
        partitions = convert_to_tensor(partitions)
        is_one = _core.logical_and(_core.less(partitions, num_partitions),
                                   _core.greater_equal(partitions, 0))
        partitions = checked(partitions, reduce_all(is_one), "a_partition_is_out_of_range")
        parts = [boolean_mask(data, _core.equal(partitions, number))
                 for number in _numbered(num_partitions)]
        return [_core.identity(part, scope) for part in parts[:1]] + parts[1:]


def invert_permutation(x: Any, name: str | None = None) -> _core.Tensor:
    """Returns where each number is in a list of all numbers below its length."""
    with name_scope(name, "InvertPermutation", [x]) as scope:
        x = convert_to_tensor(x)
        shape, rows = _core.shape(x), expand_dims(x, -1)
        times = _core.scatter_nd(rows, _core.ones_like(x), shape)
        rows = checked(rows, reduce_all(_core.equal(times, _core.ones_like(times))),
                       "a_number_is_there_twice")
        places = _core.cast(range(_core.size(x)), x.dtype)
        return _core.scatter_nd(rows, places, shape, scope)
