"""Convolutions with their variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core, initializers
from varscope.compat import v1 as tf
from varscope.compat.v1 import nn
from varscope.layers.scopes import (activated, biased, channels, channels_last, layer_scope, pair,
                                    weight)
from varscope.ops import convert_to_tensor, expand_dims


def conv2d(inputs: Any, filters: int, kernel_size: Any, strides: Any = (1, 1),
           padding: str = "valid", data_format: str = "channels_last", dilation_rate: Any = (1, 1),
           activation: Any = None, use_bias: bool = True,
           kernel_initializer: Any = None, bias_initializer: Any = initializers.Zeros(),
           kernel_regularizer: Callable | None = None, bias_regularizer: Callable | None = None,
           activity_regularizer: Any = None, kernel_constraint: Callable | None = None,
           bias_constraint: Callable | None = None, trainable: bool = True, name: str | None = None,
           reuse: Any = None) -> _core.Tensor:
    """The convolution of images, [batch, y, x, channels]."""
    channels_last("conv2d", data_format)
    inputs = convert_to_tensor(inputs)
    with layer_scope(name, "conv2d", reuse):
        kernel = weight("kernel", [*pair(kernel_size), channels(inputs), filters], inputs,
                        kernel_initializer, kernel_regularizer, trainable, kernel_constraint)
        outputs = nn.conv2d(inputs, kernel, [1, *pair(strides), 1], padding.upper(),
                                      dilations=[1, *pair(dilation_rate), 1])
        if use_bias:
            outputs = biased(outputs, "bias", filters, bias_initializer, bias_regularizer,
                             trainable, bias_constraint)
        return activated(outputs, activation, activity_regularizer)


def conv1d(inputs: Any, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
           data_format: str = "channels_last", dilation_rate: Any = 1,
           activation: Any = None, use_bias: bool = True,
           kernel_initializer: Any = None, bias_initializer: Any = initializers.Zeros(),
           kernel_regularizer: Callable | None = None, bias_regularizer: Callable | None = None,
           activity_regularizer: Any = None, kernel_constraint: Callable | None = None,
           bias_constraint: Callable | None = None, trainable: bool = True, name: str | None = None,
           reuse: Any = None) -> _core.Tensor:
    """The convolution of sequences, [batch, steps, channels]."""
    channels_last("conv1d", data_format)
    inputs = convert_to_tensor(inputs)
    width, stride, rate = (_one(value) for value in (kernel_size, strides, dilation_rate))
    with layer_scope(name, "conv1d", reuse):
        if padding.lower() == "causal":  # no output sees what comes after it
            inputs = tf.pad(inputs, [[0, 0], [rate * (width - 1), 0], [0, 0]])
            padding = "valid"
        kernel = weight("kernel", [width, channels(inputs), filters], inputs, kernel_initializer,
                        kernel_regularizer, trainable, kernel_constraint)
        outputs = nn.conv2d(
            expand_dims(inputs, 1), expand_dims(kernel, 0), [1, 1, stride, 1], padding.upper(),
            dilations=[1, 1, rate, 1])
        outputs = _core.squeeze(outputs, [1])
        if use_bias:
            outputs = biased(outputs, "bias", filters, bias_initializer, bias_regularizer,
                             trainable, bias_constraint)
        return activated(outputs, activation, activity_regularizer)


def _one(value: Any) -> int:
    return int(value[0]) if isinstance(value, (list, tuple)) else int(value)


def conv2d_transpose(inputs: Any, filters: int, kernel_size: Any, strides: Any = (1, 1),
                     padding: str = "valid", data_format: str = "channels_last",
                     activation: Any = None, use_bias: bool = True,
                     kernel_initializer: Any = None,
                     bias_initializer: Any = initializers.Zeros(),
                     kernel_regularizer: Callable | None = None,
                     bias_regularizer: Callable | None = None,
                     activity_regularizer: Any = None, kernel_constraint: Callable | None = None,
                     bias_constraint: Callable | None = None, trainable: bool = True,
                     name: str | None = None, reuse: Any = None) -> _core.Tensor:
    """The transpose of conv2d: larger images from smaller ones."""
    channels_last("conv2d_transpose", data_format)
    inputs = convert_to_tensor(inputs)
    size, steps = pair(kernel_size), pair(strides)
    with layer_scope(name, "conv2d_transpose", reuse):
        kernel = weight("kernel", [*size, filters, channels(inputs)], inputs, kernel_initializer,
                        kernel_regularizer, trainable, kernel_constraint)
        outputs = transposed(inputs, kernel, filters, size, steps, padding.upper())
        if use_bias:
            outputs = biased(outputs, "bias", filters, bias_initializer, bias_regularizer,
                             trainable, bias_constraint)
        return activated(outputs, activation, activity_regularizer)


def transposed(inputs: Any, kernel: Any, filters: int, size: Any, steps: Any,
               padding: str) -> _core.Tensor:
    """The transpose of the convolution that has this kernel of `size`, "SAME" or "VALID"."""
    larger = [_larger(n, k, s, padding)
              for n, k, s in zip(inputs.shape.as_list()[1:3], size, steps)]
    return nn.conv2d_transpose(inputs, kernel, [_batch(inputs), *larger, filters], [1, *steps, 1],
                               padding)


def _larger(dim: int, size: int, stride: int, padding: str) -> int:
    """The dimension of the image that conv2d would make one of `dim` from."""
    return dim * stride + (max(size - stride, 0) if padding == "VALID" else 0)


def _batch(inputs: Any) -> Any:
    """How many images there are: a number, or a tensor when that is known in a run alone."""
    count = inputs.shape.as_list()[0]
    return tf.shape(inputs)[0] if count is None else count


def separable_conv2d(inputs: Any, filters: int, kernel_size: Any, strides: Any = (1, 1),
                     padding: str = "valid", data_format: str = "channels_last",
                     dilation_rate: Any = (1, 1), depth_multiplier: int = 1,
                     activation: Any = None, use_bias: bool = True,
                     depthwise_initializer: Any = None, pointwise_initializer: Any = None,
                     bias_initializer: Any = initializers.Zeros(),
                     depthwise_regularizer: Callable | None = None,
                     pointwise_regularizer: Callable | None = None,
                     bias_regularizer: Callable | None = None, activity_regularizer: Any = None,
                     depthwise_constraint: Callable | None = None,
                     pointwise_constraint: Callable | None = None,
                     bias_constraint: Callable | None = None, trainable: bool = True,
                     name: str | None = None, reuse: Any = None) -> _core.Tensor:
    """A convolution of each channel, and then one of all channels of each pixel."""
    channels_last("separable_conv2d", data_format)
    inputs = convert_to_tensor(inputs)
    with layer_scope(name, "separable_conv2d", reuse):
        depth = channels(inputs)
        apart = weight("depthwise_kernel", [*pair(kernel_size), depth, depth_multiplier], inputs,
                       depthwise_initializer, depthwise_regularizer, trainable,
                       depthwise_constraint)
        joined = weight("pointwise_kernel", [1, 1, depth * depth_multiplier, filters], inputs,
                        pointwise_initializer, pointwise_regularizer, trainable,
                        pointwise_constraint)
        outputs = tf.nn.separable_conv2d(inputs, apart, joined, [1, *pair(strides), 1],
                                         padding.upper(), pair(dilation_rate))
        if use_bias:
            outputs = biased(outputs, "bias", filters, bias_initializer, bias_regularizer,
                             trainable, bias_constraint)
        return activated(outputs, activation, activity_regularizer)
