"""tf.nn.conv2d_transpose: the gradient of conv2d by its images."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.numbers_ import is_symbolic, numbers
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope
from varscope.shaping import of_images


def conv2d_transpose(value: Any, filter: Any = None, output_shape: Any = None,
                     strides: Any = None, padding: str = "SAME", data_format: str = "NHWC",
                     name: str | None = None, filters: Any = None) -> _core.Tensor:
    """Returns images of output_shape, [batch, y, x, channels], of which conv2d with this filter,
    [y, x, channels, value's channels], makes something of value's shape."""
    if data_format != "NHWC":
        raise NotImplementedError("conv2d_transpose: varscope has the data format NHWC alone")
    kernel = convert_to_tensor(filters if filter is None else filter)
    dims = numbers(output_shape)
    made = _core.nn._conv2d_transpose(value, kernel, dims, of_images(strides), padding, name)
    if is_symbolic(dims):  # what the graph knows of them all the same
        with name_scope("conv2d_transpose_shape"):
            made.set_shape(_core.fill(dims, 0).shape)
    return made
