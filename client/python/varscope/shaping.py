"""Shapes of tensors that are known in part when the graph is built."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core


def times_matrix(x: Any, matrix: Any) -> _core.Tensor:
    """x * matrix over the last dimension of x, which may have more than two."""
    dims = x.shape.as_list()
    if len(dims) == 2:
        return _core.matmul(x, matrix)
    rows = _core.reshape(x, [-1, dims[-1]])
    return with_dims(_core.matmul(rows, matrix), [*dims[:-1], matrix.shape.as_list()[1]], like=x)


def with_dims(x: Any, dims: list[int | None], name: str | None = None,
              like: Any = None) -> _core.Tensor:
    """Returns x in this shape, of which one dimension may be unknown; with `like` all may be that
    are its own."""
    if dims.count(None) > 1 and like is not None:
        known = _core.shape(like)
        return _core._reshape_to(x, _core.stack([
            known[i] if n is None else _core._constant(n, "int32", None)
            for i, n in enumerate(dims)]), name)
    if dims.count(None) > 1:
        raise ValueError(f"varscope reshapes to one unknown dimension, not to {dims}")
    return _core.reshape(x, [-1 if n is None else n for n in dims], name)


def rank(x: Any) -> int:
    """Returns the number of dimensions. ValueError when it is not known."""
    if x.shape.ndims is None:
        raise ValueError(f"{x!r}: the number of dimensions must be known")
    return x.shape.ndims


def checked_axis(axis: Any, dims: int) -> int:
    """Returns an axis of so many dimensions, from 0 on; a negative one counts from the end.

    ValueError when there is no such dimension, TypeError for what is no whole number.
    """
    place = _whole(axis)
    if not -dims <= place < dims:
        raise ValueError(f"Axis {place} is out of range: it must be in [{-dims}, {dims}), for the "
                         f"tensor has {dims} dimensions")
    return place % dims


def checked_axes(axes: Any, dims: int) -> list[int]:
    """Returns one axis, or several, as a list. ValueError for one that is named twice too."""
    listed = [axes] if not isinstance(axes, (list, tuple)) else list(axes)
    found = [checked_axis(axis, dims) for axis in listed]
    if len(set(found)) != len(found):
        raise ValueError(f"Axes {listed} name a dimension twice, of {dims}")
    return found


def flat_numbers(x: Any, what: str) -> list[int]:
    """Returns the numbers of lists in lists, or of a tensor that the graph knows, in a row.

    NotImplementedError for a tensor whose numbers a run alone knows.
    """
    if not isinstance(x, (_core.Tensor, _core.Variable)):
        return [_whole(n) for n in np.ravel(np.asarray(x, object))]
    if isinstance(x, _core.Tensor) and x.dtype in ("int32", "int64"):
        # What the graph knows of a tensor's numbers it tells as the shape that they are.
        known = _core.fill(_core.reshape(x, [-1]), 0).shape
        if known.ndims is not None and None not in known.as_list():
            return known.as_list()
    raise NotImplementedError(f"{what}: varscope needs numbers when the graph is built, not {x!r}")


def of_images(value: Any) -> list[int]:
    """Returns what a window or its steps are along each dimension of images, [1, y, x, 1]: of one
    number, of [y, x], or of all four; of None, 1 each."""
    if value is None:
        return [1, 1, 1, 1]
    listed = [value] if not hasattr(value, "__len__") else list(value)
    each = [_whole(n) for n in listed]
    if len(each) == 4:
        return each
    if len(each) not in (1, 2):
        raise ValueError(f"{value!r}: images need one number, [y, x] or [1, y, x, 1]")
    return [1, *(each * 2)[:2], 1]


def _whole(x: Any) -> int:
    value = getattr(x, "value", x)
    if isinstance(value, (np.ndarray, np.generic)) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{x!r} is no whole number")
    return value.__index__()
