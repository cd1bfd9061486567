"""Pooling, and what else has no variables."""

from __future__ import annotations

from typing import Any

from varscope import _core, shaping
from varscope.layers.scopes import channels_last, pair
from varscope.numbers_ import numbers
from varscope.ops import convert_to_tensor, expand_dims
from varscope.scopes import name_scope


def max_pooling2d(inputs: Any, pool_size: Any, strides: Any, padding: str = "valid",
                  data_format: str = "channels_last", name: str | None = None) -> _core.Tensor:
    """The largest element of each window, for each channel."""
    channels_last("max_pooling2d", data_format)
    with name_scope(name, "max_pooling2d"):
        return _core.nn._max_pool(inputs, [1, *pair(pool_size), 1], [1, *pair(strides), 1],
                                  padding.upper(), None)


def average_pooling2d(inputs: Any, pool_size: Any, strides: Any, padding: str = "valid",
                      data_format: str = "channels_last", name: str | None = None) -> _core.Tensor:
    """The mean of each window, for each channel."""
    channels_last("average_pooling2d", data_format)
    with name_scope(name, "average_pooling2d"):
        return _core.nn._avg_pool(inputs, [1, *pair(pool_size), 1], [1, *pair(strides), 1],
                                  padding.upper(), None)


def _of_steps(pool: Any, inputs: Any, pool_size: Any, strides: Any, padding: str,
              data_format: str, name: str) -> _core.Tensor:
    """Pools sequences as images of one row."""
    channels_last(name, data_format)
    size, step = (x if isinstance(x, int) else list(x)[0] for x in (pool_size, strides))
    with name_scope(name):
        wide = expand_dims(convert_to_tensor(inputs), 1)
        return _core.squeeze(pool(wide, [1, 1, size, 1], [1, 1, step, 1], padding.upper(), None),
                             [1])


def max_pooling1d(inputs: Any, pool_size: Any, strides: Any, padding: str = "valid",
                  data_format: str = "channels_last", name: str | None = None) -> _core.Tensor:
    """The largest element of each window of sequences, [batch, steps, channels]."""
    return _of_steps(_core.nn._max_pool, inputs, pool_size, strides, padding, data_format,
                     name or "max_pooling1d")


def average_pooling1d(inputs: Any, pool_size: Any, strides: Any, padding: str = "valid",
                      data_format: str = "channels_last", name: str | None = None) -> _core.Tensor:
    """The mean of each window of sequences."""
    return _of_steps(_core.nn._avg_pool, inputs, pool_size, strides, padding, data_format,
                     name or "average_pooling1d")


def flatten(inputs: Any, name: str | None = None,
            data_format: str = "channels_last") -> _core.Tensor:
    """Returns [batch, all other elements]."""
    channels_last("flatten", data_format)
    inputs = convert_to_tensor(inputs)
    batch, *others = inputs.shape.as_list()
    count = 1
    for n in others:
        count = None if n is None or count is None else count * n
    with name_scope(name, "flatten"):
        if batch is not None or count is not None:
            return shaping.with_dims(inputs, [batch, count], "Reshape")
        return _core._reshape_to(inputs, numbers([_core.shape(inputs)[0], -1]), "Reshape")
