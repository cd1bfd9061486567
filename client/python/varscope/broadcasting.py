"""Shapes of what is computed of two tensors; how gradients are added up."""

from __future__ import annotations

import enum
from typing import Any

from varscope import _core
from varscope.ops import concat, convert_to_tensor
from varscope.arrays import ones
from varscope.shapes import TensorShape


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """Returns the shape, where both are known. ValueError for shapes that do not go together."""
    first, second = TensorShape(shape_x), TensorShape(shape_y)
    if first.ndims is None or second.ndims is None:
        return TensorShape(None)
    one, two = first.as_list(), second.as_list()
    size = max(len(one), len(two))
    made: list[int | None] = []
    for a, b in zip([1] * (size - len(one)) + one, [1] * (size - len(two)) + two):
        if a is not None and b is not None and a != b and 1 not in (a, b):
            raise ValueError(f"Incompatible shapes for broadcasting: {first} and {second}")
        made.append(b if a == 1 else a if b == 1 or b is None else b)
    return TensorShape(made)


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> _core.Tensor:
    """Returns the shape of what is computed of tensors of these shapes."""
    first, second = convert_to_tensor(shape_x), convert_to_tensor(shape_y)
    one, two = first.shape.as_list()[0], second.shape.as_list()[0]
    if one is None or two is None:
        raise NotImplementedError("broadcast_dynamic_shape: varscope must know how many dimensions "
                                  "there are")
    size = max(one, two)
    padded = [x if n == size else concat([ones([size - n], x.dtype), x], 0)
              for x, n in ((first, one), (second, two))]
    return _core.maximum(*padded)


class UnconnectedGradients(enum.Enum):
    """What gradients() returns for an x that no y depends on: None, or zeros."""

    NONE = "none"
    ZERO = "zero"


class AggregationMethod:
    """How gradients of several uses are added up: all of them do the same here."""

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2
