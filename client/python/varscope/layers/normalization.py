"""Batch normalization with its variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from varscope import _core, initializers, normalization
from varscope.collections_ import GraphKeys
from varscope.control_flow import cond
from varscope.layers.scopes import layer_scope, weight
from varscope.ops import convert_to_tensor
from varscope.scopes import control_dependencies, name_scope, refuse
from varscope.variables import assign_sub


def batch_normalization(
        inputs: Any, axis: Any = -1, momentum: float = 0.99, epsilon: float = 1e-3,
        center: bool = True, scale: bool = True, beta_initializer: Any = initializers.Zeros(),
        gamma_initializer: Any = initializers.Ones(),
        moving_mean_initializer: Any = initializers.Zeros(),
        moving_variance_initializer: Any = initializers.Ones(),
        beta_regularizer: Callable | None = None, gamma_regularizer: Callable | None = None,
        beta_constraint: Callable | None = None, gamma_constraint: Callable | None = None,
        training: Any = False,
        trainable: bool = True, name: str | None = None, reuse: Any = None, renorm: bool = False,
        fused: bool | None = None) -> _core.Tensor:
    """Normalizes each channel by the batch's mean and variance while it trains, else by the moving
    averages, whose updates are in the collection UPDATE_OPS. `training` may be a tensor."""
    refuse("batch_normalization", renorm=renorm or None)
    axes = len(convert_to_tensor(inputs).shape.as_list())
    if isinstance(axis, (list, tuple)) and len(axis) == 1:
        axis = axis[0]
    if axis not in (-1, axes - 1):
        raise NotImplementedError("batch_normalization: varscope has the last axis alone")
    return normalized(
        inputs, momentum, epsilon, center, scale,
        [gamma_initializer, beta_initializer, moving_mean_initializer,
         moving_variance_initializer], training, trainable, name, "batch_normalization", reuse,
        fused, regularizers=(gamma_regularizer, beta_regularizer),
        limits=(gamma_constraint, beta_constraint))


def normalized(inputs: Any, momentum: float, epsilon: float, center: bool, scale: bool,
               starts: Sequence[Any], training: Any, trainable: bool, name: Any, default: str,
               reuse: Any, fused: bool | None, in_place: bool = False,
               regularizers: tuple[Any, Any] = (None, None),
               limits: tuple[Any, Any] = (None, None)) -> _core.Tensor:
    """The layer, whatever it is called. `starts` are the initializers of gamma, beta and the moving
    mean and variance; `limits` are the constraints of gamma and beta. `in_place` moves the averages
    before the result, else UPDATE_OPS does."""
    inputs = convert_to_tensor(inputs)
    dims = inputs.shape.as_list()
    with layer_scope(name, default, reuse):
        shape = [dims[-1]]
        gamma = weight("gamma", shape, inputs, starts[0], regularizers[0],
                       trainable, limits[0]) if scale else None
        beta = weight("beta", shape, inputs, starts[1], regularizers[1],
                      trainable, limits[1]) if center else None
        moving = (weight("moving_mean", shape, inputs, starts[2], trainable=False),
                  weight("moving_variance", shape, inputs, starts[3], trainable=False))
        mean, variance, updates = _statistics(inputs, moving, momentum, training,
                                              _corrected(dims, fused))
        if not in_place:
            for update in updates:
                _core.add_to_collection(GraphKeys.UPDATE_OPS, update)
        with control_dependencies(updates if in_place else []):
            return normalization.batch_normalization(inputs, mean, variance, beta, gamma, epsilon,
                                                     "batchnorm")


def _corrected(dims: list[int | None], fused: bool | None) -> bool:
    """TensorFlow's fused kernel, which images have, keeps the unbiased variance."""
    return len(dims) == 4 and fused is not False


def _statistics(inputs: Any, moving: tuple[_core.Variable, _core.Variable], momentum: float,
                training: Any, corrected: bool) -> tuple[Any, Any, list[_core.Operation]]:
    """The mean and the variance that this layer uses, and what updates the moving ones."""
    if _is_false(training):
        return (*moving, [])
    axes = list(range(len(inputs.shape.as_list()) - 1))

    def of_batch() -> list[Any]:
        batch = normalization.moments(inputs, axes)
        return [*batch, *_unbiased(inputs, batch, corrected)]

    if _is_true(training):
        mean, variance, *kept = of_batch()
    else:
        # What is not used is not computed: it may be infinite.
        old = [variable.value() for variable in moving]
        on = _core.reshape(_core.cast(training, "bool"), [])
        mean, variance, *kept = cond(on, of_batch, lambda: [*old, *old])
    updates = [_update(variable, value, momentum) for variable, value in zip(moving, kept)]
    return mean, variance, updates


def _is_false(training: Any) -> bool:
    return not isinstance(training, (_core.Tensor, _core.Variable)) and not training


def _is_true(training: Any) -> bool:
    return not isinstance(training, (_core.Tensor, _core.Variable)) and bool(training)


def _unbiased(inputs: Any, batch: tuple[Any, Any], corrected: bool) -> tuple[Any, Any]:
    if not corrected:
        return batch
    mean, variance = batch
    one_channel = inputs[..., :1]
    count = _core.reduce_sum(_core.ones_like(one_channel))
    return mean, variance * (count / _core.maximum(count - 1.0, 1.0))


def _update(variable: _core.Variable, value: Any, momentum: float) -> _core.Operation:
    with name_scope("AssignMovingAvg"):
        return assign_sub(variable, (variable.value() - value) * (1.0 - momentum)).op
