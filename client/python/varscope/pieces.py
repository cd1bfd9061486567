"""Tensors cut along one dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from varscope import _core
from varscope.checks import checked
from varscope.numbers_ import is_symbolic
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope
from varscope.shaping import checked_axis, flat_numbers, rank


def _dim(value: _core.Tensor, axis: int) -> int:
    dim = value.shape.as_list()[axis]
    if dim is None:
        raise ValueError(f"Cannot infer num from shape {value.shape}")
    return dim


def _part(value: _core.Tensor, axis: int, begin: int, size: int,
          name: str | None = None) -> _core.Tensor:
    rank = len(value.shape.as_list())
    starts, sizes = [0] * rank, [-1] * rank
    starts[axis], sizes[axis] = begin, size
    return _core.slice(value, starts, sizes, name)


def unstack(value: Any, num: int | None = None, axis: int = 0,
            name: str = "unstack") -> list[_core.Tensor]:
    """Returns the parts along a dimension, without it. ValueError when it is not known."""
    value = convert_to_tensor(value)
    with name_scope(name, values=[value]) as scope:
        axis = checked_axis(axis, rank(value))
        known = value.shape.as_list()[axis]
        count = _dim(value, axis) if num is None else num
        if known is not None and count != known:
            raise ValueError(f"Dimension {axis} has {known} parts, not {count}: {value!r}")
        if known is None:  # a run says whether there are so many
            value = checked(value, _core.equal(_core.shape(value)[axis], count),
                            f"there_are_not_{count}_parts")
        return [_core.squeeze(_part(value, axis, i, 1), [axis], _name(scope, i))
                for i in range(count)]


def _name(scope: str, number: int) -> str | None:
    """The first part has the name that the caller gave."""
    return scope if number == 0 else None


def split(value: Any, num_or_size_splits: int | Sequence[int], axis: int = 0,
          num: int | None = None, name: str = "split") -> list[_core.Tensor]:
    """Returns so many equal parts, or parts of these sizes."""
    value = convert_to_tensor(value)
    with name_scope(name, values=[value]) as scope:
        axis = checked_axis(axis, rank(value))
        if value.shape.as_list()[axis] is None:
            return _of_unknown(value, num_or_size_splits, axis)
        sizes = _sizes(num_or_size_splits, _dim(value, axis))
        if num is not None and num != len(sizes):
            raise ValueError(f"There are {len(sizes)} parts, but num is {num}")
        begins = [sum(sizes[:i]) for i in range(len(sizes))]
        return [_part(value, axis, begin, size, _name(scope, i))
                for i, (begin, size) in enumerate(zip(begins, sizes))]


def _of_unknown(value: _core.Tensor, wanted: Any, axis: int) -> list[_core.Tensor]:
    """The parts along a dimension that a run alone knows: so many equal ones, or some of these
    sizes, which are all of it."""
    dims = _core.shape(value)
    if is_symbolic(wanted) or hasattr(wanted, "__len__"):
        sizes = flat_numbers(wanted, "split")
        if -1 in sizes:
            raise NotImplementedError("split: varscope must know the dimension, or all sizes")
        value = checked(value, _core.equal(dims[axis], sum(sizes)), "the_sizes_are_not_the_whole")
        return [_part(value, axis, sum(sizes[:i]), size) for i, size in enumerate(sizes)]
    [count] = flat_numbers(wanted, "split")
    value = checked(value, _core.equal(_core.floormod(dims[axis], count), 0),
                    f"the_dimension_is_not_a_multiple_of_{count}")
    sizes = [dims[:axis], [count], [-1], dims[axis + 1:]]
    apart = _core._reshape_to(value, _core._concat(sizes, 0, None), None)
    parts = [apart[(*(slice(None),) * axis, i)] for i in range(count)]
    for part in parts:
        part.set_shape(value.shape)
    return parts


def _sizes(wanted: Any, dim: int) -> list[int]:
    if not is_symbolic(wanted) and not hasattr(wanted, "__len__"):
        [count] = flat_numbers(wanted, "split")
        if count < 1:
            raise ValueError(f"Number of ways to split should be > 0, but got {count}")
        if dim % count != 0:
            raise ValueError(f"Dimension size must be evenly divisible by {count} but is {dim}")
        return [dim // count] * count
    sizes = flat_numbers(wanted, "split")
    if any(size < -1 for size in sizes):
        raise ValueError(f"Sizes to split into must be >= 0, got {sizes}")
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = dim - sum(sizes) - 1
    if sum(sizes) != dim:
        raise ValueError(f"can't split a dimension of {dim} into {sizes}")
    return sizes
