"""Layers of tf.contrib.layers that normalize, and small ones without variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core, initializers
from varscope.arrays import reshape
from varscope.compat.v1 import nn
from varscope.layers.arguments import add_arg_scope
from varscope.layers.contrib import _collected, _finished, _noted
from varscope.layers.scopes import activated, channels, channels_last, layer_scope, pair, weight
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope


def _center_and_scale(inputs: Any, center: bool, scale: bool, trainable: bool,
                      collections: Any) -> tuple[Any, Any]:
    """A shift and a factor for each channel; None for those that are not wanted."""
    depth = channels(inputs)
    beta = _noted(weight("beta", [depth], inputs, initializers.Zeros(), trainable=trainable),
                  collections, "beta") if center else None
    gamma = _noted(weight("gamma", [depth], inputs, initializers.Ones(), trainable=trainable),
                   collections, "gamma") if scale else None
    return beta, gamma


@add_arg_scope
def instance_norm(inputs: Any, center: bool = True, scale: bool = True, epsilon: float = 1e-6,
                  activation_fn: Callable | None = None, param_initializers: Any = None,
                  reuse: Any = None, variables_collections: Any = None,
                  outputs_collections: Any = None, trainable: bool = True,
                  data_format: str = "NHWC", scope: Any = None) -> _core.Tensor:
    """Normalizes each channel of each image by its own mean and variance: Ulyanov et al. 2016 (arXiv
    1607.08022)."""
    channels_last("instance_norm", data_format)
    inputs = convert_to_tensor(inputs)
    with layer_scope(scope, "InstanceNorm", reuse):
        beta, gamma = _center_and_scale(inputs, center, scale, trainable, variables_collections)
        axes = list(range(1, len(inputs.shape.as_list()) - 1))
        mean, variance = nn.moments(inputs, axes, keep_dims=True)
        made = nn.batch_normalization(inputs, mean, variance, beta, gamma, epsilon)
        return _collected(activated(made, activation_fn), outputs_collections)


@add_arg_scope
def group_norm(inputs: Any, groups: int = 32, channels_axis: int = -1,
               reduction_axes: Any = (-3, -2), center: bool = True, scale: bool = True,
               epsilon: float = 1e-6, activation_fn: Callable | None = None,
               param_initializers: Any = None, reuse: Any = None,
               variables_collections: Any = None, outputs_collections: Any = None,
               trainable: bool = True, scope: Any = None,
               mean_close_to_zero: bool = False) -> _core.Tensor:
    """Normalizes groups of channels of each image: Wu, He 2018 (arXiv 1803.08494)."""
    inputs = convert_to_tensor(inputs)
    dims = inputs.shape.as_list()
    if channels_axis not in (-1, len(dims) - 1):
        raise NotImplementedError("group_norm: varscope has the channels last alone")
    if dims[-1] % groups:
        raise ValueError(f"{groups} groups is not commensurate with {dims[-1]} channels.")
    with layer_scope(scope, "GroupNorm", reuse):
        beta, gamma = _center_and_scale(inputs, center, scale, trainable, variables_collections)
        shape = _core.shape(inputs)
        parts = _core._reshape_to(inputs, _core._concat(
            [shape[:-1], [groups, dims[-1] // groups]], 0, None), None)
        axes = [axis % len(dims) for axis in reduction_axes]
        mean, variance = nn.moments(parts, [*axes, len(dims)], keep_dims=True)
        parts = (parts - mean) * _core.rsqrt(variance + epsilon)
        made = _core._reshape_to(parts, shape, None)
        made.set_shape(inputs.shape)
        made = made if gamma is None else made * gamma
        made = made if beta is None else made + beta
        return _collected(activated(made, activation_fn), outputs_collections)


@add_arg_scope
def separable_conv2d(inputs: Any, num_outputs: int | None, kernel_size: Any,
                     depth_multiplier: int = 1, stride: Any = 1, padding: str = "SAME",
                     data_format: str = "NHWC", rate: Any = 1,
                     activation_fn: Callable | None = _core.nn.relu,
                     normalizer_fn: Callable | None = None, normalizer_params: Any = None,
                     weights_initializer: Any = initializers.GlorotUniform(),
                     pointwise_initializer: Any = None,
                     weights_regularizer: Callable | None = None,
                     biases_initializer: Any = initializers.Zeros(),
                     biases_regularizer: Callable | None = None, reuse: Any = None,
                     variables_collections: Any = None, outputs_collections: Any = None,
                     trainable: bool = True, scope: Any = None) -> _core.Tensor:
    """A convolution of each channel; and then, with num_outputs, one of all channels of each
    pixel."""
    channels_last("separable_conv2d", data_format)
    inputs = convert_to_tensor(inputs)
    depth, steps = channels(inputs), [1, *pair(stride), 1]
    with layer_scope(scope, "SeparableConv2d", reuse):
        apart = weight("depthwise_weights", [*pair(kernel_size), depth, depth_multiplier], inputs,
                       weights_initializer, weights_regularizer, trainable)
        _noted(apart, variables_collections, "weights")
        if num_outputs is None:
            outputs, count = nn.depthwise_conv2d(inputs, apart, steps, padding, pair(rate)), (
                depth * depth_multiplier)
        else:
            joined = weight("pointwise_weights", [1, 1, depth * depth_multiplier, num_outputs],
                            inputs, pointwise_initializer or weights_initializer,
                            weights_regularizer, trainable)
            _noted(joined, variables_collections, "weights")
            outputs, count = nn.separable_conv2d(inputs, apart, joined, steps, padding,
                                                 pair(rate)), num_outputs
        outputs = _finished(outputs, count, normalizer_fn, normalizer_params, biases_initializer,
                            biases_regularizer, trainable, variables_collections)
        return _collected(activated(outputs, activation_fn), outputs_collections)


@add_arg_scope
def bias_add(inputs: Any, activation_fn: Callable | None = None,
             initializer: Any = initializers.Zeros(), regularizer: Callable | None = None,
             reuse: Any = None, variables_collections: Any = None,
             outputs_collections: Any = None, trainable: bool = True,
             data_format: str = "NHWC", scope: Any = None) -> _core.Tensor:
    """Adds a number to each channel."""
    channels_last("bias_add", data_format)
    inputs = convert_to_tensor(inputs)
    with layer_scope(scope, "BiasAdd", reuse):
        biases = weight("biases", [channels(inputs)], inputs, initializer, regularizer, trainable)
        _noted(biases, variables_collections, "biases")
        return _collected(activated(nn.bias_add(inputs, biases), activation_fn),
                          outputs_collections)


@add_arg_scope
def unit_norm(inputs: Any, dim: int, epsilon: float = 1e-7, scope: Any = None) -> _core.Tensor:
    """Divides by the length along a dimension."""
    with name_scope(scope, "UnitNorm", [inputs]):
        inputs = convert_to_tensor(inputs)
        return inputs / _core.sqrt(epsilon + _core.reduce_sum(_core.square(inputs), dim, True))


@add_arg_scope
def maxout(inputs: Any, num_units: int, axis: int = -1, scope: Any = None) -> _core.Tensor:
    """The largest of each group of channels: Goodfellow et al. 2013 (arXiv 1302.4389)."""
    with name_scope(scope, "MaxOut", [inputs]):
        inputs = convert_to_tensor(inputs)
        dims = inputs.shape.as_list()
        axis %= len(dims)
        if dims[axis] % num_units:
            raise ValueError(f"number of features({dims[axis]}) is not a multiple of num_units"
                             f"({num_units})")
        shape = [-1 if n is None else n for n in dims]
        shape[axis:axis + 1] = [num_units, dims[axis] // num_units]
        return _core.reduce_max(reshape(inputs, shape), axis + 1)


