"""Convolution and pooling of sequences, images or volumes, by the number of their dimensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from varscope import _core
from varscope.compat.v1 import nn
from varscope.dilated import with_gaps
from varscope.ops import convert_to_tensor, expand_dims
from varscope.scopes import name_scope


def atrous_conv2d(value: Any, filters: Any, rate: int, padding: str,
                  name: str | None = None) -> _core.Tensor:
    """The convolution of images with filters whose places are `rate` pixels apart."""
    with name_scope(name, "atrous_conv2d", [value, filters]) as scope:
        return nn.conv2d(value, with_gaps(filters, [rate, rate]), [1, 1, 1, 1], padding,
                         name=scope)


def _each(value: Any, count: int) -> list[int]:
    """A number for each dimension; 1 where there is none."""
    if value is None:
        return [1] * count
    numbers = [value] if isinstance(value, int) else [int(x) for x in value]
    return numbers * count if len(numbers) == 1 else numbers


def _channels_last(function: str, data_format: str | None) -> None:
    if data_format not in (None, "NWC", "NHWC", "NDHWC"):
        raise NotImplementedError(f"{function}: varscope has the channels last alone")


def convolution(input: Any, filter: Any = None, padding: str | None = None, strides: Any = None,
                dilation_rate: Any = None, name: str | None = None,
                data_format: str | None = None, filters: Any = None,
                dilations: Any = None) -> _core.Tensor:
    """The convolution of [batch, places..., channels] with [places..., in, out]."""
    from varscope.volumes import conv3d
    _channels_last("convolution", data_format)
    with name_scope(name, "convolution", [input, filter]) as scope:
        x = convert_to_tensor(input)
        count = len(x.shape.as_list()) - 2
        rates = _each(dilation_rate if dilations is None else dilations, count)
        kernel = with_gaps(filters if filter is None else filter, rates)
        steps = [1, *_each(strides, count), 1]
        if count == 3:
            return conv3d(x, kernel, steps, padding, name=scope)
        if count == 2:
            return nn.conv2d(x, kernel, steps, padding, name=scope)
        made = nn.conv2d(expand_dims(x, 1), expand_dims(kernel, 0), [1, *steps], padding)
        return _core.squeeze(made, [1], scope)


def pool(input: Any, window_shape: Sequence[int], pooling_type: str, padding: str,
         dilation_rate: Any = None, strides: Any = None, name: str | None = None,
         data_format: str | None = None, dilations: Any = None) -> _core.Tensor:
    """The largest element, "MAX", or the mean, "AVG", of each window, for each channel."""
    from varscope.volumes import avg_pool3d, max_pool3d
    _channels_last("pool", data_format)
    with name_scope(name, pooling_type.lower() + "_pool", [input]) as scope:
        x = convert_to_tensor(input)
        count = len(x.shape.as_list()) - 2
        if set(_each(dilation_rate if dilations is None else dilations, count)) != {1}:
            raise NotImplementedError("pool: varscope has no 'dilation_rate'")
        sizes, steps = ([1, *_each(value, count), 1] for value in (window_shape, strides))
        of: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
            "MAX": (nn.max_pool, max_pool3d), "AVG": (nn.avg_pool, avg_pool3d)}
        flat, deep = of[pooling_type]
        if count != 1:
            return (deep if count == 3 else flat)(x, sizes, steps, padding, name=scope)
        made = flat(expand_dims(x, 1), [1, *sizes], [1, *steps], padding)
        return _core.squeeze(made, [1], scope)
