"""Layers of several tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core, ops
from varscope.compat.v1 import nn
from varscope.keras.base import Layer
from varscope.products import matmul


class _Merging(Layer):
    """One function of each two."""

    _two: Callable[[Any, Any], Any]

    def call(self, inputs: Any) -> Any:
        made = inputs[0]
        for x in inputs[1:]:
            made = type(self)._two(made, x)
        return made


class Add(_Merging):
    """The sum."""

    _two = staticmethod(_core.add)


class Subtract(_Merging):
    """The difference."""

    _two = staticmethod(_core.subtract)


class Multiply(_Merging):
    """The product of elements."""

    _two = staticmethod(_core.multiply)


class Maximum(_Merging):
    """The larger elements."""

    _two = staticmethod(_core.maximum)


class Minimum(_Merging):
    """The smaller elements."""

    _two = staticmethod(_core.minimum)


class Average(Add):
    """The mean."""

    def call(self, inputs: Any) -> Any:
        return super().call(inputs) / float(len(inputs))


class Concatenate(Layer):
    """One after the other."""

    def __init__(self, axis: int = -1, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        return ops.concat(list(inputs), self.axis)


class Dot(Layer):
    """The product along an axis of each."""

    def __init__(self, axes: Any, normalize: bool = False, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.axes, self.normalize = axes, normalize

    def call(self, inputs: Any) -> Any:
        first, second = inputs
        one, two = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        one, two = one % first.shape.ndims, two % second.shape.ndims
        if self.normalize:
            first, second = nn.l2_normalize(first, one), nn.l2_normalize(second, two)
        if first.shape.ndims == 2 and second.shape.ndims == 2:
            return _core.reduce_sum(first * second, 1, True)
        if first.shape.ndims != 3 or second.shape.ndims != 3:
            raise NotImplementedError("Dot: varscope has it of two tensors of 2 or of 3 dimensions")
        return matmul(first, second, transpose_a=one == 1, transpose_b=two == 2)


def add(inputs: Any, **keywords: Any) -> Any:
    """The sum."""
    return Add(**keywords)(inputs)


def subtract(inputs: Any, **keywords: Any) -> Any:
    """The difference."""
    return Subtract(**keywords)(inputs)


def multiply(inputs: Any, **keywords: Any) -> Any:
    """The product of elements."""
    return Multiply(**keywords)(inputs)


def maximum(inputs: Any, **keywords: Any) -> Any:
    """The larger elements."""
    return Maximum(**keywords)(inputs)


def average(inputs: Any, **keywords: Any) -> Any:
    """The mean."""
    return Average(**keywords)(inputs)


def concatenate(inputs: Any, axis: int = -1, **keywords: Any) -> Any:
    """One after the other."""
    return Concatenate(axis, **keywords)(inputs)


def dot(inputs: Any, axes: Any, normalize: bool = False, **keywords: Any) -> Any:
    """The product along an axis of each."""
    return Dot(axes, normalize, **keywords)(inputs)
