"""Elements in order, and what is found by it."""

from __future__ import annotations

from typing import Any, NamedTuple

from varscope import _core
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope

_INT32 = _core.as_dtype("int32")


def _descends(direction: str) -> bool:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError('Direction must be either "ASCENDING" or "DESCENDING", not '
                         f"{direction!r}")
    return direction == "DESCENDING"


def argsort(values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False,
            name: str | None = None) -> _core.Tensor:
    """Returns the places of the elements in their order, along an axis; of equal ones the first is
    first."""
    return _core._argsort(values, axis, _descends(direction), name)


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING",
         name: str | None = None) -> _core.Tensor:
    """Returns the elements in their order, along an axis."""
    return _core._sort(values, axis, _descends(direction), name)


def searchsorted(sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = _INT32,
                 name: str | None = None) -> _core.Tensor:
    """Returns the place of each value in the sequence of its row."""
    if side not in ("left", "right"):
        raise ValueError(f"side must be either 'right' or 'left', not {side!r}")
    return _core._searchsorted(sorted_sequence, values, side == "right", out_type, name)


class ListDiff(NamedTuple):
    """What setdiff1d() returns."""

    out: Any
    idx: Any


def setdiff1d(x: Any, y: Any, index_dtype: Any = _INT32, name: str | None = None) -> ListDiff:
    """Returns the elements of x that y has not, in their order, and their places."""
    return ListDiff(*_core._setdiff1d(x, y, index_dtype, name))


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
