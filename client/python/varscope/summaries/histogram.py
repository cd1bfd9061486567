"""Histograms with TensorFlow's buckets, whose limits grow by a tenth each."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from varscope.summaries import wire


@functools.cache
def _limits() -> np.ndarray:
    positive = []
    limit = 1e-12
    while limit < 1e20:
        positive.append(limit)
        limit *= 1.1
    largest = np.finfo(np.float64).max
    positive.append(largest)
    return np.array([-x for x in reversed(positive)] + [0.0] + positive)


def histogram(values: Any) -> bytes:
    """Returns the message of the histogram of all elements."""
    numbers = np.asarray(values, np.float64).ravel()
    finite = numbers[np.isfinite(numbers)]
    counts, limits = _counts(finite)
    smallest, largest = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    return b"".join([
        wire.double(1, smallest), wire.double(2, largest), wire.double(3, finite.size),
        wire.double(4, finite.sum()), wire.double(5, np.square(finite).sum()),
        wire.doubles(6, limits), wire.doubles(7, counts)])


def _counts(numbers: np.ndarray) -> tuple[list[float], list[float]]:
    """How many elements each bucket has, without runs of empty ones, and the buckets' limits."""
    limits = _limits()
    places = np.searchsorted(limits, numbers, side="right")
    counts = np.bincount(np.minimum(places, limits.size - 1), minlength=limits.size)
    used = np.flatnonzero(counts)
    if not used.size:
        return [0.0], [limits[-1]]
    kept = sorted({*used.tolist(), *(used[used > 0] - 1).tolist()})
    return counts[kept].astype(float).tolist(), limits[kept].tolist()
