"""Convolutions of each channel by itself: tf.nn.depthwise_conv2d and separable_conv2d; tf.nn.conv1d."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.compat.v1 import nn
from varscope.dilated import with_gaps
from varscope.ops import convert_to_tensor, expand_dims
from varscope.scopes import name_scope


def depthwise_conv2d(input: Any, filter: Any, strides: Any, padding: str, rate: Any = None,
                     name: str | None = None, data_format: str | None = None) -> _core.Tensor:
    """Returns for each channel what its filters, [y, x, channels, n], make of it, side by side."""
    rates = [1, 1] if rate is None else [rate] * 2 if isinstance(rate, int) else list(rate)
    if data_format not in (None, "NHWC"):
        raise NotImplementedError("depthwise_conv2d: varscope has the data format NHWC alone")
    with name_scope(name, "depthwise", [input, filter]) as scope:
        filters = filter if rates == [1, 1] else with_gaps(filter, rates)
        return _core.nn._depthwise_conv2d(input, filters, list(strides), padding, scope)


def depthwise_conv2d_native(input: Any, filter: Any, strides: Any, padding: str,
                            data_format: str = "NHWC", dilations: Any = (1, 1, 1, 1),
                            name: str | None = None) -> _core.Tensor:
    """The same."""
    return depthwise_conv2d(input, filter, strides, padding, list(dilations)[1:3],
                            name or "DepthwiseConv2dNative", data_format)


def separable_conv2d(input: Any, depthwise_filter: Any, pointwise_filter: Any, strides: Any,
                     padding: str, rate: Any = None, name: str | None = None,
                     data_format: str | None = None) -> _core.Tensor:
    """The same, of which a filter of one pixel makes the channels."""
    with name_scope(name, "separable_conv2d", [input]) as scope:
        apart = depthwise_conv2d(input, depthwise_filter, strides, padding, rate,
                                 data_format=data_format)
        return nn.conv2d(apart, pointwise_filter, [1, 1, 1, 1], "VALID", name=scope)


def conv1d(value: Any = None, filters: Any = None, stride: Any = None, padding: str | None = None,
           use_cudnn_on_gpu: bool | None = None, data_format: str | None = None,
           name: str | None = None, input: Any = None) -> _core.Tensor:
    """The convolution of sequences, [batch, steps, channels], with filters, [steps, in, out]."""
    if data_format not in (None, "NWC", "NHWC"):
        raise NotImplementedError("conv1d: varscope has the data format NWC alone")
    steps = stride if isinstance(stride, int) else list(stride)[-2 if len(list(stride)) > 1 else 0]
    with name_scope(name, "conv1d", [value, filters]):
        wide = expand_dims(convert_to_tensor(input if value is None else value), 1)
        made = nn.conv2d(wide, expand_dims(convert_to_tensor(filters), 0), [1, 1, steps, 1],
                         padding)
        return _core.squeeze(made, [1])
