"""Rows that have the same number: their mean, product, largest and smallest. tf.segment_mean and its
like, where numbers are in order, and tf.unsorted_segment_mean, where they are not."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core
from varscope.arrays import range as range_
from varscope.checks import checked
from varscope.counting import reduce_all
from varscope.numbers_ import is_symbolic
from varscope.ops import convert_to_tensor, expand_dims
from varscope.scopes import name_scope


def _in_order(segment_ids: Any) -> tuple[Any, Any]:
    """The numbers, which a run checks, and how many segments there are."""
    ids = convert_to_tensor(segment_ids)
    start = _core.cast([0], ids.dtype)
    rises = _core.greater_equal(ids, _core._concat([start, ids[:-1]], 0, None))
    ids = checked(ids, reduce_all(rises), "segment_ids_are_not_increasing")
    return ids, _core.reduce_max(_core._concat([start - 1, ids], 0, None)) + 1


def _counts(ids: Any, data: Any, count: Any) -> Any:
    """How many rows each segment has, in a form that rows are divided by."""
    each = _core.cast(_core.ones_like(ids), data.dtype)
    counts = _core.unsorted_segment_sum(each, ids, count)
    for _ in data.shape.as_list()[len(ids.shape.as_list()):]:
        counts = expand_dims(counts, -1)
    return counts


def _mean(data: Any, ids: Any, count: Any, root: bool = False) -> Any:
    sums = _core.unsorted_segment_sum(data, ids, count)
    counts = _counts(ids, data, count)
    counts = _core.maximum(counts, _core.ones_like(counts))
    return _core.divide(sums, _core.sqrt(counts) if root else counts)


def _reduced(reduce: Any, data: Any, ids: Any, count: Any, other: Any) -> Any:
    """What `reduce` makes of each segment's rows, among `other` in the place of all others."""
    rank = len(ids.shape.as_list())
    rows = _core.reshape(ids, [-1])
    dims = data.shape.as_list()[rank:]
    flat = _core.reshape(data, [-1, *dims]) if None not in dims else data
    places = _core.cast(range_(count), ids.dtype)
    mask = _core.equal(expand_dims(places, 1), expand_dims(rows, 0))
    for _ in dims:
        mask = expand_dims(mask, -1)
    each = expand_dims(flat, 0)
    whole = _core.logical_or(mask, _core.cast(_core.zeros_like(each), "bool"))
    zeros = _core.cast(_core.zeros_like(_core.cast(whole, "int32")), data.dtype)
    return reduce(_core._where(whole, each + zeros, zeros + other, None), 1)


def _bound(dtype: Any, largest: bool) -> Any:
    kind = dtype.as_numpy_dtype
    limits = np.iinfo(kind) if dtype.is_integer else np.finfo(kind)
    return np.asarray(limits.max if largest else limits.min, kind)


def _or_zero(made: Any, ids: Any, data: Any, count: Any) -> Any:
    """What is made of a segment; 0 of one without rows."""
    there = _core.greater(_counts(ids, data, count), _core.cast(0, data.dtype))
    there = _core.logical_and(there, _core.cast(_core.ones_like(made), "bool"))
    return _core._where(there, made, _core.zeros_like(made), None)


def segment_mean(data: Any, segment_ids: Any, name: str | None = None) -> _core.Tensor:
    """Returns the mean of each segment's rows; 0 where there are none."""
    with name_scope(name, "SegmentMean", [data]) as scope:
        ids, count = _in_order(segment_ids)
        return _core.identity(_mean(convert_to_tensor(data), ids, count), scope)


def segment_max(data: Any, segment_ids: Any, name: str | None = None) -> _core.Tensor:
    """Returns the largest of each segment's rows; 0 where there are none."""
    with name_scope(name, "SegmentMax", [data]) as scope:
        data, (ids, count) = convert_to_tensor(data), _in_order(segment_ids)
        made = _reduced(_core.reduce_max, data, ids, count, _bound(data.dtype, False))
        return _core.identity(_or_zero(made, ids, data, count), scope)


def segment_min(data: Any, segment_ids: Any, name: str | None = None) -> _core.Tensor:
    """Returns the smallest of each segment's rows; 0 where there are none."""
    with name_scope(name, "SegmentMin", [data]) as scope:
        data, (ids, count) = convert_to_tensor(data), _in_order(segment_ids)
        made = _reduced(_core.reduce_min, data, ids, count, _bound(data.dtype, True))
        return _core.identity(_or_zero(made, ids, data, count), scope)


def segment_prod(data: Any, segment_ids: Any, name: str | None = None) -> _core.Tensor:
    """Returns the product of each segment's rows; 1 where there are none."""
    with name_scope(name, "SegmentProd", [data]) as scope:
        data, (ids, count) = convert_to_tensor(data), _in_order(segment_ids)
        return _core.identity(_reduced(_core.reduce_prod, data, ids, count, _one(data)), scope)


def _one(data: Any) -> Any:
    return np.asarray(1, data.dtype.as_numpy_dtype)


def _given(data: Any, segment_ids: Any, num_segments: Any) -> tuple[Any, Any, Any]:
    count = num_segments if is_symbolic(num_segments) else int(num_segments)
    return convert_to_tensor(data), convert_to_tensor(segment_ids), count


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any,
                          name: str | None = None) -> _core.Tensor:
    """Returns the mean of each segment's rows; 0 where there are none."""
    with name_scope(name, "UnsortedSegmentMean", [data]) as scope:
        return _core.identity(_mean(*_given(data, segment_ids, num_segments)), scope)


def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any,
                            name: str | None = None) -> _core.Tensor:
    """Returns the sum of each segment's rows over the root of their number."""
    with name_scope(name, "UnsortedSegmentSqrtN", [data]) as scope:
        return _core.identity(_mean(*_given(data, segment_ids, num_segments), root=True), scope)


def unsorted_segment_max(data: Any, segment_ids: Any, num_segments: Any,
                         name: str | None = None) -> _core.Tensor:
    """Returns the largest of each segment's rows; the dtype's smallest number where there are none."""
    with name_scope(name, "UnsortedSegmentMax", [data]) as scope:
        data, ids, count = _given(data, segment_ids, num_segments)
        return _core.identity(_reduced(_core.reduce_max, data, ids, count,
                                       _bound(data.dtype, False)), scope)


def unsorted_segment_min(data: Any, segment_ids: Any, num_segments: Any,
                         name: str | None = None) -> _core.Tensor:
    """Returns the smallest of each segment's rows; the dtype's largest number where there are none."""
    with name_scope(name, "UnsortedSegmentMin", [data]) as scope:
        data, ids, count = _given(data, segment_ids, num_segments)
        return _core.identity(_reduced(_core.reduce_min, data, ids, count,
                                       _bound(data.dtype, True)), scope)


def unsorted_segment_prod(data: Any, segment_ids: Any, num_segments: Any,
                          name: str | None = None) -> _core.Tensor:
    """Returns the product of each segment's rows; 1 where there are none."""
    with name_scope(name, "UnsortedSegmentProd", [data]) as scope:
        data, ids, count = _given(data, segment_ids, num_segments)
        return _core.identity(_reduced(_core.reduce_prod, data, ids, count, _one(data)), scope)
