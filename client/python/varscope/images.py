"""tf.image, as far as it is arithmetic."""

from __future__ import annotations

import enum
from typing import Any

from varscope import _core
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope


class ResizeMethod(enum.IntEnum):
    """How images change their size."""

    BILINEAR = 0
    NEAREST_NEIGHBOR = 1
    BICUBIC = 2
    AREA = 3


def rgb_to_grayscale(images: Any, name: str | None = None) -> _core.Tensor:
    """The brightness of colors: the last dimension becomes 1."""
    with name_scope(name, "rgb_to_grayscale", [images]):
        images = convert_to_tensor(images)
        weights = _core._constant([0.2989, 0.587, 0.114], None, None)
        gray = _core.reduce_sum(_core.cast(images, "float32") * weights, -1, True)
        return gray if images.dtype == "float32" else _core.cast(gray, images.dtype)


def grayscale_to_rgb(images: Any, name: str | None = None) -> _core.Tensor:
    """Three times the same channel."""
    images = convert_to_tensor(images)
    return _core._concat([images] * 3, images.shape.ndims - 1, name)


def crop_to_bounding_box(image: Any, offset_height: int, offset_width: int, target_height: int,
                         target_width: int) -> _core.Tensor:
    """A part of an image, or of each image of a batch."""
    image = convert_to_tensor(image)
    rows = slice(offset_height, offset_height + target_height)
    columns = slice(offset_width, offset_width + target_width)
    return image[rows, columns] if image.shape.ndims == 3 else image[:, rows, columns]


def pad_to_bounding_box(image: Any, offset_height: int, offset_width: int, target_height: int,
                        target_width: int) -> _core.Tensor:
    """An image inside a larger one of zeros."""
    image = convert_to_tensor(image)
    dims = image.shape.as_list()
    height, width = dims[-3:-1]
    sides = [(offset_height, target_height - offset_height - height),
             (offset_width, target_width - offset_width - width), (0, 0)]
    return _core._pad(image, [(0, 0)] * (len(dims) - 3) + sides, None)


def adjust_brightness(image: Any, delta: Any) -> _core.Tensor:
    """Adds delta to all pixels."""
    return _core.add(image, delta)


def adjust_contrast(images: Any, contrast_factor: Any) -> _core.Tensor:
    """Moves each channel away from its mean."""
    images = convert_to_tensor(images)
    axes = [images.shape.ndims - 3, images.shape.ndims - 2]
    mean = _core.reduce_mean(images, axes, True)
    return (images - mean) * contrast_factor + mean


def per_image_standardization(image: Any) -> _core.Tensor:
    """An image with mean 0 and variance 1."""
    image = _core.cast(convert_to_tensor(image), "float32")
    count = float(image.shape.num_elements())
    mean = _core.reduce_mean(image)
    deviation = _core.sqrt(_core.reduce_mean(_core.squared_difference(image, mean)))
    return (image - mean) / _core.maximum(deviation, count**-0.5)
