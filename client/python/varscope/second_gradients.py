"""tf.hessians."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.arrays import reshape
from varscope.ops import convert_to_tensor, gradients
from varscope.scopes import name_scope


def hessians(ys: Any, xs: Any, name: str = "hessians", colocate_gradients_with_ops: bool = False,
             gate_gradients: bool = False, aggregation_method: Any = None) -> list[_core.Tensor]:
    """Returns the second derivatives of the sum of ys by each pair of elements of each of xs, whose
    shapes must be known."""
    listed = list(xs) if isinstance(xs, (list, tuple)) else [xs]
    found = []
    with name_scope(name):
        for x, first in zip(listed, gradients(ys, listed)):
            if first is None:
                raise ValueError(f"the sum of ys does not depend on {x!r}")
            dims = x.shape.as_list()
            slopes = reshape(convert_to_tensor(first), [-1])
            rows = [gradients(slopes[i], x)[0] for i in range(x.shape.num_elements() or 0)]
            rows = [_core.zeros_like(x) if row is None else convert_to_tensor(row) for row in rows]
            found.append(reshape(_core.stack(rows), [*dims, *dims]))
    return found
