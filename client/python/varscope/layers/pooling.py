"""Pooling, and what else has no variables."""

from __future__ import annotations

from typing import Any

from varscope import _core, shaping
from varscope.layers.scopes import channels_last, pair
from varscope.ops import convert_to_tensor


def max_pooling2d(inputs: Any, pool_size: Any, strides: Any, padding: str = "valid",
                  data_format: str = "channels_last", name: str | None = None) -> _core.Tensor:
    """The largest element of each window, for each channel."""
    channels_last("max_pooling2d", data_format)
    return _core.nn._max_pool(inputs, [1, *pair(pool_size), 1], [1, *pair(strides), 1],
                              padding.upper(), name or "max_pooling2d/MaxPool")


def average_pooling2d(inputs: Any, pool_size: Any, strides: Any, padding: str = "valid",
                      data_format: str = "channels_last", name: str | None = None) -> _core.Tensor:
    """The mean of each window, for each channel."""
    channels_last("average_pooling2d", data_format)
    return _core.nn._avg_pool(inputs, [1, *pair(pool_size), 1], [1, *pair(strides), 1],
                              padding.upper(), name or "average_pooling2d/AvgPool")


def flatten(inputs: Any, name: str | None = None,
            data_format: str = "channels_last") -> _core.Tensor:
    """Returns [batch, all other elements]."""
    channels_last("flatten", data_format)
    inputs = convert_to_tensor(inputs)
    batch, *others = inputs.shape.as_list()
    count = 1
    for n in others:
        count = None if n is None or count is None else count * n
    return shaping.with_dims(inputs, [batch, count], name or "flatten/Reshape")
