"""Layers of volumes, [batch, z, y, x, channels]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core, initializers, volumes
from varscope.layers.scopes import activated, biased, channels, layer_scope, weight
from varscope.ops import convert_to_tensor


def _three(value: Any) -> list[int]:
    """The numbers of a value that may be one number."""
    return [value] * 3 if isinstance(value, int) else [int(x) for x in value]


def _channels_last(function: str, data_format: str) -> None:
    if data_format != "channels_last":
        raise NotImplementedError(f"{function}: varscope has the data format channels_last alone")


def conv3d(inputs: Any, filters: int, kernel_size: Any, strides: Any = (1, 1, 1),
           padding: str = "valid", data_format: str = "channels_last",
           dilation_rate: Any = (1, 1, 1), activation: Any = None,
           use_bias: bool = True, kernel_initializer: Any = None,
           bias_initializer: Any = initializers.Zeros(),
           kernel_regularizer: Callable | None = None, bias_regularizer: Callable | None = None,
           activity_regularizer: Any = None, kernel_constraint: Callable | None = None,
           bias_constraint: Callable | None = None, trainable: bool = True, name: str | None = None,
           reuse: Any = None) -> _core.Tensor:
    """The convolution of volumes."""
    _channels_last("conv3d", data_format)
    inputs = convert_to_tensor(inputs)
    with layer_scope(name, "conv3d", reuse):
        kernel = weight("kernel", [*_three(kernel_size), channels(inputs), filters], inputs,
                        kernel_initializer, kernel_regularizer, trainable, kernel_constraint)
        outputs = volumes.conv3d(inputs, kernel, [1, *_three(strides), 1], padding.upper(),
                                 dilations=[1, *_three(dilation_rate), 1])
        if use_bias:
            outputs = biased(outputs, "bias", filters, bias_initializer, bias_regularizer,
                             trainable, bias_constraint)
        return activated(outputs, activation, activity_regularizer)


def max_pooling3d(inputs: Any, pool_size: Any, strides: Any, padding: str = "valid",
                  data_format: str = "channels_last", name: str | None = None) -> _core.Tensor:
    """The largest element of each window, for each channel."""
    _channels_last("max_pooling3d", data_format)
    return volumes.max_pool3d(inputs, [1, *_three(pool_size), 1], [1, *_three(strides), 1],
                              padding.upper(), name=name or "max_pooling3d/MaxPool3D")


def average_pooling3d(inputs: Any, pool_size: Any, strides: Any, padding: str = "valid",
                      data_format: str = "channels_last", name: str | None = None) -> _core.Tensor:
    """The mean of each window, for each channel."""
    _channels_last("average_pooling3d", data_format)
    return volumes.avg_pool3d(inputs, [1, *_three(pool_size), 1], [1, *_three(strides), 1],
                              padding.upper(), name=name or "average_pooling3d/AvgPool3D")
