"""Tensors cut along one dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from varscope import _core
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope


def _dim(value: _core.Tensor, axis: int) -> int:
    dim = value.shape.as_list()[axis]
    if dim is None:
        raise ValueError(f"Cannot infer num from shape {value.shape}")
    return dim


def _part(value: _core.Tensor, axis: int, begin: int, size: int) -> _core.Tensor:
    rank = len(value.shape.as_list())
    starts, sizes = [0] * rank, [-1] * rank
    starts[axis], sizes[axis] = begin, size
    return _core.slice(value, starts, sizes)


def unstack(value: Any, num: int | None = None, axis: int = 0,
            name: str = "unstack") -> list[_core.Tensor]:
    """Returns the parts along a dimension, without it. ValueError when it is not known."""
    value = convert_to_tensor(value)
    with name_scope(name, values=[value]):
        axis %= len(value.shape.as_list())
        count = num or _dim(value, axis)
        return [_core.squeeze(_part(value, axis, i, 1), [axis]) for i in range(count)]


def split(value: Any, num_or_size_splits: int | Sequence[int], axis: int = 0,
          num: int | None = None, name: str = "split") -> list[_core.Tensor]:
    """Returns so many equal parts, or parts of these sizes."""
    value = convert_to_tensor(value)
    with name_scope(name, values=[value]):
        axis %= len(value.shape.as_list())
        sizes = _sizes(num_or_size_splits, _dim(value, axis))
        begins = [sum(sizes[:i]) for i in range(len(sizes))]
        return [_part(value, axis, begin, size) for begin, size in zip(begins, sizes)]


def _sizes(wanted: int | Sequence[int], dim: int) -> list[int]:
    if isinstance(wanted, int):
        if dim % wanted != 0:
            raise ValueError(f"Dimension size must be evenly divisible by {wanted} but is {dim}")
        return [dim // wanted] * wanted
    sizes = [int(size) for size in wanted]
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = dim - sum(sizes) - 1
    if sum(sizes) != dim:
        raise ValueError(f"can't split a dimension of {dim} into {list(wanted)}")
    return sizes
