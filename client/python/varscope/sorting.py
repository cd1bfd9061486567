"""Elements in order, and what is found by it. Their places are computed by the program, for a run."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from varscope import _core
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope
from varscope.shaping import checked_axis, rank
from varscope.strings.tensors import Computed, computed, outputs

_INT32, _INT64 = _core.as_dtype("int32"), _core.as_dtype("int64")


def _descends(direction: str) -> bool:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError('Direction must be either "ASCENDING" or "DESCENDING", not '
                         f"{direction!r}")
    return direction == "DESCENDING"


def argsort(values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False,
            name: str | None = None) -> _core.Tensor:
    """Returns the places of the elements in their order, along an axis."""
    descends, values = _descends(direction), convert_to_tensor(values)
    axis = checked_axis(axis, rank(values))

    def places(array: Any) -> Any:
        if not descends:
            return np.argsort(array, axis, kind="stable").astype(np.int32)
        # The first of equal elements stays the first.
        turned = np.argsort(np.flip(array, axis), axis, kind="stable")
        return np.flip(array.shape[axis] - 1 - turned, axis).astype(np.int32)

    return computed(name or "argsort", places, [values], values._dims, _INT32)


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING",
         name: str | None = None) -> _core.Tensor:
    """Returns the elements in their order, along an axis."""
    descends = _descends(direction)
    with name_scope(name, "sort", [values]) as scope:
        values = convert_to_tensor(values)
        axis, last = checked_axis(axis, rank(values)), rank(values) - 1
        order = list(np.arange(last + 1).tolist())
        order[axis], order[last] = last, axis
        moved = _core.transpose(values, order)
        count = moved.shape.as_list()[last]
        if count is None:
            raise NotImplementedError("sort: varscope must know the dimension")
        largest, _ = _core._top_k(moved if descends else -moved, count, None)
        return _core.transpose(largest if descends else -largest, order, scope)


def searchsorted(sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = _INT32,
                 name: str | None = None) -> _core.Tensor:
    """Returns the place of each value in the sequence of its row."""
    if side not in ("left", "right"):
        raise ValueError(f"side must be either 'right' or 'left', not {side!r}")
    dtype = _core.as_dtype(out_type)
    values = convert_to_tensor(values)

    def places(rows: Any, wanted: Any) -> Any:
        found = np.empty(wanted.shape, dtype.as_numpy_dtype)
        for place in np.ndindex(wanted.shape[:-1]):
            found[place] = np.searchsorted(rows[place], wanted[place], side)
        return found

    return computed(name or "SearchSorted", places, [convert_to_tensor(sorted_sequence), values],
                    values._dims, dtype)


class ListDiff(NamedTuple):
    """What setdiff1d() returns."""

    out: Any
    idx: Any


def setdiff1d(x: Any, y: Any, index_dtype: Any = _INT32, name: str | None = None) -> ListDiff:
    """Returns the elements of x that y has not, in their order, and their places."""
    x, dtype = convert_to_tensor(x), _core.as_dtype(index_dtype)

    def difference(one: Any, other: Any) -> list[Any]:
        places = np.flatnonzero(~np.isin(one, other))
        return [one[places], places.astype(dtype.as_numpy_dtype)]

    return ListDiff(*outputs(Computed(difference, [x, convert_to_tensor(y)]),
                             [(x.dtype, [-1]), (dtype, [-1])], name or "ListDiff"))


def histogram_fixed_width_bins(values: Any, value_range: Any, nbins: Any = 100,
                               dtype: Any = _INT32, name: str | None = None) -> _core.Tensor:
    """Returns for each value in which of so many equal parts of the range it is; those outside are in
    the first or in the last."""
    with name_scope(name, "histogram_fixed_width_bins", [values]) as scope:
        values = convert_to_tensor(values)
        limits = _core.cast(convert_to_tensor(value_range), values.dtype)
        count = _core.cast(nbins, values.dtype)
        scaled = _core.divide(values - limits[0], limits[1] - limits[0]) * count
        place = _core.minimum(_core.maximum(_core.floor(scaled), _core.zeros_like(scaled)),
                              count - 1)
        return _core.cast(place, dtype, scope)


def histogram_fixed_width(values: Any, value_range: Any, nbins: Any = 100, dtype: Any = _INT32,
                          name: str | None = None) -> _core.Tensor:
    """Returns how many values are in each of so many equal parts of the range."""
    with name_scope(name, "histogram_fixed_width", [values]) as scope:
        places = _core.reshape(histogram_fixed_width_bins(values, value_range, nbins), [-1])
        return _core.unsorted_segment_sum(_core.cast(_core.ones_like(places), dtype), places, nbins,
                                          scope)
