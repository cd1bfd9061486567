"""Means, variances, and normalizing by them."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.scopes import name_scope, refuse


def moments(x: Any, axes: Any, shift: None = None, name: str | None = None,
            keep_dims: bool | None = None,
            keepdims: bool | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """Returns the mean and the variance over these axes."""
    refuse("moments", shift=shift)
    keep = bool(keepdims or keep_dims)
    with name_scope(name, "moments", [x]):
        mean = _core.reduce_mean(x, axes, True, "mean")
        spread = _core.squared_difference(x, _core.stop_gradient(mean))
        variance = _core.reduce_mean(spread, axes, keep, "variance")
        return (mean if keep else _core.squeeze(mean, axes)), variance


def batch_normalization(x: Any, mean: Any, variance: Any, offset: Any, scale: Any,
                        variance_epsilon: float, name: str | None = None) -> _core.Tensor:
    """(x - mean) / sqrt(variance + variance_epsilon) * scale + offset."""
    with name_scope(name, "batchnorm", [x, mean, variance, scale, offset]) as scope:
        factor = _core.rsqrt(_core.add(variance, variance_epsilon))
        if scale is not None:
            factor = _core.multiply(factor, scale)
        shift = -_core.multiply(mean, factor)
        if offset is not None:
            shift = _core.add(offset, shift)
        return _core.add(_core.multiply(x, factor), shift, scope)
