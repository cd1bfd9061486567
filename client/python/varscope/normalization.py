"""Means, variances, and normalizing by them."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope


def moments(x: Any, axes: Any, shift: Any = None, name: str | None = None,
            keep_dims: bool | None = None,
            keepdims: bool | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """Returns the mean and the variance over these axes. No shift is needed."""
    keep = bool(keepdims or keep_dims)
    with name_scope(name, "moments", [x]):
        mean = _core.reduce_mean(x, axes, True, "mean")
        spread = _core.squared_difference(x, _core.stop_gradient(mean))
        variance = _core.reduce_mean(spread, axes, keep, "variance")
        return (mean if keep else _core.squeeze(mean, axes)), variance


def batch_normalization(x: Any, mean: Any, variance: Any, offset: Any, scale: Any,
                        variance_epsilon: float, name: str | None = None) -> _core.Tensor:
    """(x - mean) / sqrt(variance + variance_epsilon) * scale + offset."""
    with name_scope(name, "batchnorm", [x, mean, variance, scale, offset]):
        factor = _core.rsqrt(_core.add(variance, variance_epsilon))
        if scale is not None:
            factor = _core.multiply(factor, scale)
        shift = -_core.multiply(mean, factor)
        if offset is not None:
            shift = _core.add(offset, shift, "sub")
        return _core.add(_core.multiply(x, factor), shift, "add_1")


def sufficient_statistics(x: Any, axes: Any, shift: Any = None, keep_dims: bool | None = None,
                          name: str | None = None, keepdims: bool | None = None
                          ) -> tuple[Any, Any, Any, Any]:
    """Returns how many elements there are over these axes, their sum and the sum of their squares,
    both of what they are more than the shift, and the shift."""
    keep = bool(keepdims or keep_dims)
    with name_scope(name, "sufficient_statistics", [x]):
        x = convert_to_tensor(x)
        axes = list(axes)
        count = _core.reduce_sum(_core.ones_like(x), axes)
        counts = _core.reduce_max(count)
        moved = x if shift is None else _core.subtract(x, shift)
        squares = _core.square(moved) if shift is None else _core.squared_difference(x, shift)
        return (counts, _core.reduce_sum(moved, axes, keep, "mean_ss"),
                _core.reduce_sum(squares, axes, keep, "var_ss"), shift)


def normalize_moments(counts: Any, mean_ss: Any, variance_ss: Any, shift: Any,
                      name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """Returns the mean and the variance of what sufficient_statistics() returns."""
    with name_scope(name, "normalize", [counts, mean_ss, variance_ss, shift]):
        moved = _core.divide(mean_ss, counts)
        mean = moved if shift is None else _core.add(moved, shift, "mean")
        return mean, _core.subtract(_core.divide(variance_ss, counts), _core.square(moved),
                                    "variance")


def weighted_moments(x: Any, axes: Any, frequency_weights: Any, name: str | None = None,
                     keep_dims: bool | None = None,
                     keepdims: bool | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """Returns the mean and the variance of elements that count as often as their weights say."""
    keep = bool(keepdims or keep_dims)
    with name_scope(name, "weighted_moments", [x, frequency_weights]):
        x = convert_to_tensor(x)
        weights = _core.cast(frequency_weights, x.dtype) + _core.zeros_like(x)
        total = _core.reduce_sum(weights, axes, True)
        mean = _core.divide(_core.reduce_sum(weights * x, axes, True), total)
        spread = weights * _core.squared_difference(x, mean)
        variance = _core.divide(_core.reduce_sum(spread, axes, True), total)
        return (mean, variance) if keep else (_core.squeeze(mean, axes),
                                              _core.squeeze(variance, axes))


def fused_batch_norm(x: Any, scale: Any, offset: Any, mean: Any = None, variance: Any = None,
                     epsilon: float = 0.001, data_format: str = "NHWC", is_training: bool = True,
                     name: str | None = None,
                     exponential_avg_factor: float = 1.0) -> tuple[Any, Any, Any]:
    """Returns images that are normalized, channel by channel, and the mean and variance of the batch
    when it trains; else it normalizes by those that are given."""
    if data_format != "NHWC":
        raise NotImplementedError("fused_batch_norm: varscope has the data format NHWC alone")
    with name_scope(name, "FusedBatchNorm", [x]):
        x = convert_to_tensor(x)
        if not is_training:
            return batch_normalization(x, mean, variance, offset, scale, epsilon), mean, variance
        own, spread = moments(x, [0, 1, 2])
        made = batch_normalization(x, own, spread, offset, scale, epsilon)
        count = _core.cast(_core.size(x[..., 0]), x.dtype)
        # What moves an average is the variance of a sample.
        spread = spread * count / _core.maximum(count - 1.0, 1.0)
        return made, own, spread
