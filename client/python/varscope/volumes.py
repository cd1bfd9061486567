"""Windows over volumes, [batch, z, y, x, channels]: tf.nn.conv3d and pools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from varscope import _core
from varscope.dilated import with_gaps
from varscope.numbers_ import numbers

_nn = _core.nn


def _ndhwc(function: str, data_format: str | None) -> None:
    if data_format not in (None, "NDHWC"):
        raise NotImplementedError(f"{function}: varscope has the data format NDHWC alone")


def conv3d(input: Any, filter: Any = None, strides: Any = None, padding: str | None = None,
           data_format: str = "NDHWC", dilations: Any = (1, 1, 1, 1, 1), name: str | None = None,
           filters: Any = None) -> _core.Tensor:
    """The convolution of volumes with a filter [z, y, x, in, out]. `strides` is [1, z, y, x, 1]."""
    _ndhwc("conv3d", data_format)
    kernel = filters if filter is None else filter
    rates = list(dilations)[1:4]
    if rates != [1, 1, 1]:
        kernel = with_gaps(kernel, rates)
    return _nn._conv3d(input, kernel, strides, padding, name)


def conv3d_transpose(value: Any, filter: Any = None, output_shape: Any = None,
                     strides: Any = None, padding: str = "SAME", data_format: str = "NDHWC",
                     name: str | None = None, input: Any = None, filters: Any = None,
                     dilations: Any = None) -> _core.Tensor:
    """Returns volumes of output_shape, [batch, z, y, x, channels], of which conv3d with this filter,
    [z, y, x, channels, value's channels], makes something of value's shape."""
    _ndhwc("conv3d_transpose", data_format)
    if dilations is not None and set(dilations) != {1}:
        raise NotImplementedError("conv3d_transpose: varscope has no 'dilations'")
    return _nn._conv3d_transpose(input if value is None else value,
                                 filters if filter is None else filter, numbers(output_shape),
                                 strides, padding, name)


def max_pool3d(input: Any, ksize: Sequence[int], strides: Sequence[int], padding: str,
               data_format: str = "NDHWC", name: str | None = None) -> _core.Tensor:
    """The largest element of each window of volumes, for each channel."""
    _ndhwc("max_pool3d", data_format)
    return _nn._max_pool3d(input, ksize, strides, padding, name)


def avg_pool3d(input: Any, ksize: Sequence[int], strides: Sequence[int], padding: str,
               data_format: str = "NDHWC", name: str | None = None) -> _core.Tensor:
    """The mean of each window of volumes, for each channel."""
    _ndhwc("avg_pool3d", data_format)
    return _nn._avg_pool3d(input, ksize, strides, padding, name)
