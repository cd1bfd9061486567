"""Distributions of numbers that are drawn by the inverse of what they add up to."""

from __future__ import annotations

import math
from typing import Any

from varscope import _core
from varscope.compat import v1 as tf
from varscope.distributions.samples import shape_of
from varscope.ops import convert_to_tensor


class _OfNumbers:
    """The base: each element by itself."""

    def __init__(self, first: Any, second: Any, name: str) -> None:
        one = convert_to_tensor(first)
        self._one, self._two = one, convert_to_tensor(second, one.dtype)
        self._shaped = self._one + _core.zeros_like(self._two)
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def dtype(self) -> _core.DType:
        return self._one.dtype

    def _uniform(self, sample_shape: Any, seed: int | None) -> Any:
        """Numbers between 0 and 1, [sample_shape..., the distributions' own dimensions]."""
        return tf.random_uniform(shape_of(self._shaped, sample_shape), dtype=self.dtype, seed=seed)

    def prob(self, value: Any, name: str = "prob") -> _core.Tensor:
        """Returns the density."""
        return _core.exp(self.log_prob(value))

    def log_prob(self, value: Any, name: str = "log_prob") -> _core.Tensor:
        """Returns the logarithm of the density."""
        raise NotImplementedError


class Uniform(_OfNumbers):
    """Each number from low up to high."""

    def __init__(self, low: Any = 0.0, high: Any = 1.0, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "Uniform") -> None:
        super().__init__(low, high, name)

    @property
    def low(self) -> _core.Tensor:
        return self._one

    @property
    def high(self) -> _core.Tensor:
        return self._two

    def mean(self) -> _core.Tensor:
        return 0.5 * (self._one + self._two)

    def sample(self, sample_shape: Any = (), seed: int | None = None,
               name: str = "sample") -> _core.Tensor:
        """Returns samples."""
        return self._one + self._uniform(sample_shape, seed) * (self._two - self._one)

    def log_prob(self, value: Any, name: str = "log_prob") -> _core.Tensor:
        x = convert_to_tensor(value, self.dtype)
        inside = _core.logical_and(_core.greater_equal(x, self._one), _core.less(x, self._two))
        density = -_core.log(self._two - self._one) + _core.zeros_like(x)
        return tf.where(inside, density, density - math.inf)

    def entropy(self, name: str = "entropy") -> _core.Tensor:
        """Returns the entropy in nats."""
        return _core.log(self._two - self._one)


class Laplace(_OfNumbers):
    """Numbers around loc, e^-|x| in units of the scale."""

    def __init__(self, loc: Any, scale: Any, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "Laplace") -> None:
        super().__init__(loc, scale, name)

    @property
    def loc(self) -> _core.Tensor:
        return self._one

    @property
    def scale(self) -> _core.Tensor:
        return self._two

    def mean(self) -> _core.Tensor:
        return self._shaped

    def sample(self, sample_shape: Any = (), seed: int | None = None,
               name: str = "sample") -> _core.Tensor:
        """Returns samples."""
        drawn = self._uniform(sample_shape, seed) - 0.5
        away = _core.log(_core.maximum(1.0 - 2.0 * _core.abs(drawn), 1e-30))
        return self._one - self._two * _core.sign(drawn) * away

    def log_prob(self, value: Any, name: str = "log_prob") -> _core.Tensor:
        return -_core.abs((value - self._one) / self._two) - _core.log(2.0 * self._two)

    def entropy(self, name: str = "entropy") -> _core.Tensor:
        """Returns the entropy in nats."""
        return 1.0 + _core.log(2.0 * self._two) + _core.zeros_like(self._one)


class Exponential(_OfNumbers):
    """Waiting times of events of this rate."""

    def __init__(self, rate: Any, validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "Exponential") -> None:
        super().__init__(rate, rate, name)

    @property
    def rate(self) -> _core.Tensor:
        return self._one

    def mean(self) -> _core.Tensor:
        return 1.0 / self._one

    def sample(self, sample_shape: Any = (), seed: int | None = None,
               name: str = "sample") -> _core.Tensor:
        """Returns samples."""
        return -_core.log(_core.maximum(1.0 - self._uniform(sample_shape, seed), 1e-30)) / self._one

    def log_prob(self, value: Any, name: str = "log_prob") -> _core.Tensor:
        return _core.log(self._one) - self._one * value

    def entropy(self, name: str = "entropy") -> _core.Tensor:
        """Returns the entropy in nats."""
        return 1.0 - _core.log(self._one)
