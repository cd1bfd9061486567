"""tf.nn.conv2d_transpose: the gradient of conv2d by its images."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.numbers_ import numbers


def conv2d_transpose(value: Any, filter: Any = None, output_shape: Any = None,
                     strides: Any = None, padding: str = "SAME", data_format: str = "NHWC",
                     name: str | None = None, filters: Any = None) -> _core.Tensor:
    """Returns images of output_shape, [batch, y, x, channels], of which conv2d with this filter,
    [y, x, channels, value's channels], makes something of value's shape."""
    if data_format != "NHWC":
        raise NotImplementedError("conv2d_transpose: varscope has the data format NHWC alone")
    steps = [1, strides, strides, 1] if isinstance(strides, int) else list(strides)
    return _core.nn._conv2d_transpose(value, filters if filter is None else filter,
                                      numbers(output_shape), steps, padding, name)
