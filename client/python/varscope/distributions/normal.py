"""Normal distributions, each element by itself."""

from __future__ import annotations

import math
from typing import Any

from varscope import _core
from varscope.compat import v1 as tf
from varscope.distributions.samples import shape_of
from varscope.ops import convert_to_tensor


class Normal:
    """Normal distributions with these means and standard deviations."""

    def __init__(self, loc: Any, scale: Any, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "Normal") -> None:
        self._loc, self._scale = _like(loc, scale), _like(scale, loc)
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def loc(self) -> _core.Tensor:
        return self._loc

    @property
    def scale(self) -> _core.Tensor:
        return self._scale

    @property
    def dtype(self) -> _core.DType:
        return self._loc.dtype

    def mean(self) -> _core.Tensor:
        return self._loc + _core.zeros_like(self._scale)

    mode = mean

    def stddev(self) -> _core.Tensor:
        return self._scale + _core.zeros_like(self._loc)

    def variance(self) -> _core.Tensor:
        return _core.square(self.stddev())

    def sample(self, sample_shape: Any = (), seed: int | None = None,
               name: str = "sample") -> _core.Tensor:
        """Returns samples, [sample_shape..., the distributions' own dimensions]."""
        spread = self.stddev()
        drawn = tf.random_normal(shape_of(spread, sample_shape), seed=seed)
        return self._loc + drawn * self._scale

    def log_prob(self, value: Any, name: str = "log_prob") -> _core.Tensor:
        """Returns the logarithm of the density."""
        away = (value - self._loc) / self._scale
        return -0.5 * _core.square(away) - _core.log(self._scale) - 0.5 * math.log(2 * math.pi)

    def prob(self, value: Any, name: str = "prob") -> _core.Tensor:
        """Returns the density."""
        return _core.exp(self.log_prob(value))

    def entropy(self, name: str = "entropy") -> _core.Tensor:
        """Returns the entropy in nats."""
        return 0.5 * math.log(2 * math.pi * math.e) + _core.log(self.stddev())

    def kl_divergence(self, other: Normal, name: str = "kl_divergence") -> _core.Tensor:
        """Returns the divergence of the other one from this one."""
        ratio = _core.square(self._scale / other._scale)
        away = _core.square((self._loc - other._loc) / other._scale)
        return 0.5 * (away + ratio - 1.0 - _core.log(ratio))


def _like(x: Any, other: Any) -> _core.Tensor:
    """A number beside a tensor has its dtype."""
    tensor = convert_to_tensor(x)
    wanted = getattr(other, "dtype", None)
    if wanted is not None and not hasattr(x, "dtype"):
        return _core.cast(tensor, wanted)
    return tensor


class MultivariateNormalDiag(Normal):
    """Normal distributions of vectors whose parts do not depend on each other."""

    def __init__(self, loc: Any = None, scale_diag: Any = None, validate_args: bool = False,
                 allow_nan_stats: bool = True, name: str = "MultivariateNormalDiag") -> None:
        if loc is None and scale_diag is None:
            raise ValueError("MultivariateNormalDiag needs loc or scale_diag")
        loc = _core.zeros_like(convert_to_tensor(scale_diag)) if loc is None else loc
        scale = _core.ones_like(convert_to_tensor(loc)) if scale_diag is None else scale_diag
        super().__init__(loc, scale, name=name)

    def log_prob(self, value: Any, name: str = "log_prob") -> _core.Tensor:
        """Returns the logarithm of the density of vectors."""
        return _core.reduce_sum(super().log_prob(value), -1)

    def entropy(self, name: str = "entropy") -> _core.Tensor:
        """Returns the entropy in nats."""
        return _core.reduce_sum(super().entropy(), -1)

    def kl_divergence(self, other: Normal, name: str = "kl_divergence") -> _core.Tensor:
        """Returns the divergence of the other one from this one."""
        return _core.reduce_sum(super().kl_divergence(other), -1)


def kl_divergence(distribution_a: Any, distribution_b: Any, allow_nan_stats: bool = True,
                  name: str | None = None) -> _core.Tensor:
    """Returns the divergence of b from a. NotImplementedError for two different kinds."""
    if type(distribution_a) is not type(distribution_b):
        raise NotImplementedError("kl_divergence: varscope has it for two distributions of one kind")
    return distribution_a.kl_divergence(distribution_b)
