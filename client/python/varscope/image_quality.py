"""How much images differ, and how much their pixels do: tf.image.psnr, total_variation and the like;
and colors as brightness with two differences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from varscope import _core
from varscope.images import convert_image_dtype
from varscope.ops import convert_to_tensor
from varscope.counting import tensordot
from varscope.scopes import name_scope
from varscope.shaping import rank


def total_variation(images: Any, name: str | None = None) -> _core.Tensor:
    """Returns the sum of the differences of neighbors, for each image."""
    with name_scope(name, "total_variation"):
        images = convert_to_tensor(images)
        if rank(images) not in (3, 4):
            raise ValueError("'images' must be either 3 or 4-dimensional.")
        axes = [0, 1, 2] if rank(images) == 3 else [1, 2, 3]
        down = images[..., 1:, :, :] - images[..., :-1, :, :]
        across = images[..., 1:, :] - images[..., :-1, :]
        return _core.reduce_sum(_core.abs(down), axes) + _core.reduce_sum(_core.abs(across), axes)


def psnr(a: Any, b: Any, max_val: float, name: str | None = None) -> _core.Tensor:
    """Returns the ratio of the largest pixel to the noise between two images, in decibels."""
    with name_scope(name, "PSNR", [a, b]) as scope:
        a, b = (convert_image_dtype(x, "float32") for x in (a, b))
        most = convert_image_dtype(_core.cast(max_val, a.dtype), "float32")
        error = _core.reduce_mean(_core.squared_difference(a, b), [-3, -2, -1])
        return _core.subtract(20.0 / math.log(10.0) * _core.log(most),
                              10.0 / math.log(10.0) * _core.log(error), scope)


def image_gradients(image: Any) -> tuple[_core.Tensor, _core.Tensor]:
    """Returns the differences of neighbors of [batch, y, x, channels], downwards and to the right."""
    image = convert_to_tensor(image)
    if rank(image) != 4:
        raise ValueError(f"image_gradients expects a 4D tensor [batch_size, h, w, d], not "
                         f"{image.shape}.")
    down, right = image[:, 1:] - image[:, :-1], image[:, :, 1:] - image[:, :, :-1]
    return (_core._concat([down, _core.zeros_like(image[:, :1])], 1, None),
            _core._concat([right, _core.zeros_like(image[:, :, :1])], 2, None))


def sobel_edges(image: Any) -> _core.Tensor:
    """Returns the edges of each channel, [batch, y, x, channels, 2]: downwards and to the right."""
    from varscope.arrays import pad
    from varscope.compat.v1 import nn
    image = convert_to_tensor(image)
    down = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], np.float32)
    depth = image.shape.as_list()[3]
    kernels = np.stack([down, down.T], -1)[:, :, None]
    wide = pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT")
    parts = [nn.conv2d(wide[..., i:i + 1], kernels, [1, 1, 1, 1], "VALID") for i in range(depth)]
    return _core.stack(parts, 3)


def _mixed(images: Any, matrix: list[list[float]], name: str) -> _core.Tensor:
    with name_scope(name):
        images = convert_to_tensor(images)
        return tensordot(images, np.array(matrix, images.dtype.as_numpy_dtype).T,
                         [[rank(images) - 1], [0]])


_TO_YUV = [[0.299, 0.587, 0.114], [-0.14714119, -0.28886916, 0.43601035],
           [0.61497538, -0.51496512, -0.10001026]]
_TO_YIQ = [[0.299, 0.587, 0.114], [0.59590059, -0.27455667, -0.32134392],
           [0.21153661, -0.52273617, 0.31119955]]


def rgb_to_yuv(images: Any) -> _core.Tensor:
    """Returns colors as brightness and two differences, Y, U and V."""
    return _mixed(images, _TO_YUV, "rgb_to_yuv")


def yuv_to_rgb(images: Any) -> _core.Tensor:
    """Returns the colors."""
    return _mixed(images, np.linalg.inv(_TO_YUV).tolist(), "yuv_to_rgb")


def rgb_to_yiq(images: Any) -> _core.Tensor:
    """Returns colors as brightness and two differences, Y, I and Q."""
    return _mixed(images, _TO_YIQ, "rgb_to_yiq")


def yiq_to_rgb(images: Any) -> _core.Tensor:
    """Returns the colors."""
    return _mixed(images, np.linalg.inv(_TO_YIQ).tolist(), "yiq_to_rgb")
