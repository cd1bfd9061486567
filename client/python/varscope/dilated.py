"""Filters with gaps: what a convolution with a rate makes of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from varscope import _core
from varscope.arrays import pad, reshape
from varscope.ops import convert_to_tensor


def with_gaps(filters: Any, rates: Sequence[int]) -> _core.Tensor:
    """Returns the filters, [places..., in, out], with rate - 1 zeros between the places of each
    dimension."""
    spread = convert_to_tensor(filters)
    for axis, rate in enumerate(rates):
        if rate == 1:
            continue
        dims = spread.shape.as_list()
        size, before, after = dims[axis], dims[:axis], dims[axis + 1:]
        apart = reshape(spread, [*before, size, 1, *after])
        sides = [[0, 0] for _ in apart.shape.as_list()]
        sides[axis + 1] = [0, rate - 1]
        whole = reshape(pad(apart, sides), [*before, size * rate, *after])
        spread = whole[(*(slice(None),) * axis, slice(0, (size - 1) * rate + 1))]
    return spread
