"""tf.nn.conv2d_transpose: the gradient of conv2d by its images."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope


def conv2d_transpose(value: Any, filter: Any = None, output_shape: Any = None,
                     strides: Any = None, padding: str = "SAME", data_format: str = "NHWC",
                     name: str | None = None, filters: Any = None) -> _core.Tensor:
    """Returns images of output_shape, [batch, y, x, channels], of which conv2d with this filter,
    [y, x, channels, value's channels], makes something of value's shape. The batch is value's."""
    if data_format != "NHWC":
        raise NotImplementedError("conv2d_transpose: varscope has the data format NHWC alone")
    with name_scope(name, "conv2d_transpose", [value]):
        value = convert_to_tensor(value)
        window = convert_to_tensor(filters if filter is None else filter)
        images = _zero_images(value, _known(output_shape, window))
        steps = [1, strides, strides, 1] if isinstance(strides, int) else list(strides)
        made = _core.nn._conv2d(images, window, steps, padding, None)
        return _core.gradients_of_tensors([made], [images], [value])[0]


def _known(output_shape: Any, window: _core.Tensor) -> list[int]:
    """The size of an image. ValueError when it is not known when the graph is built."""
    dims = [None] if isinstance(output_shape, _core.Tensor) else list(output_shape)
    if len(dims) != 4 or any(isinstance(n, _core.Tensor) or n is None for n in dims[1:]):
        raise ValueError("conv2d_transpose: varscope needs the size of the images when the graph is "
                         "built")
    return [int(n) for n in dims[1:3]] + [window.shape.as_list()[2]]


def _zero_images(value: _core.Tensor, dims: list[int]) -> _core.Tensor:
    batch = value.shape.as_list()[0]
    if batch is not None:
        return _core.zeros([batch, *dims], value.dtype)
    none = _core.reduce_sum(_core.zeros_like(value), [1, 2, 3])
    return _core.tile(_core.reshape(none, [-1, 1, 1, 1]), [1, *dims])
