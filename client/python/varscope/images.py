"""tf.image, as far as it is arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core
from varscope.checks import checked
from varscope.control_flow import cond
from varscope.counting import reduce_all
from varscope.indexing import slice_
from varscope.ops import convert_to_tensor
from varscope.random_numbers import random_uniform
from varscope.scopes import name_scope
from varscope.shaping import rank


def checked_image(image: Any) -> _core.Tensor:
    """An image, or a batch of images. ValueError for another number of dimensions."""
    image = convert_to_tensor(image)
    if rank(image) not in (3, 4):
        raise ValueError(f"'image' (shape {image.shape}) must have either 3 or 4 dimensions.")
    return image


def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False,
                        name: str | None = None) -> _core.Tensor:
    """Returns pixels of another dtype: the largest whole number is 1 of the others. With `saturate`
    those beyond the ends become the ends."""
    image, dtype = convert_to_tensor(image), _core.as_dtype(dtype)
    if image.dtype == dtype:
        return _core.identity(image, name)
    with name_scope(name, "convert_image", [image]) as scope:
        if image.dtype.is_floating and dtype.is_floating:
            return _core.cast(image, dtype, scope)
        if dtype.is_floating:
            return _core.multiply(_core.cast(image, dtype), 1.0 / float(_ends(image.dtype).max),
                                  scope)
        ends = _ends(dtype)
        if image.dtype.is_floating:
            scaled, low, high = image * (ends.max + 0.5), float(ends.min), float(ends.max)
        else:
            scaled, low, high = _rescaled(image, _ends(image.dtype).max, ends.max), ends.min, ends.max
        return _core.cast(_core.clip_by_value(scaled, low, high) if saturate else scaled, dtype,
                          scope)


def _ends(dtype: Any) -> np.iinfo:
    return np.iinfo(dtype.as_numpy_dtype)


def _rescaled(image: Any, most: int, wanted: int) -> _core.Tensor:
    """Whole numbers of which the largest was `most`, as those of which it is `wanted`, or near it."""
    wide = _core.cast(image, "int64")
    if most > wanted:
        return _core.floordiv(wide, (most + 1) // (wanted + 1))
    return _core.multiply(wide, (wanted + 1) // (most + 1))


def rgb_to_grayscale(images: Any, name: str | None = None) -> _core.Tensor:
    """The brightness of colors: the last dimension becomes 1."""
    with name_scope(name, "rgb_to_grayscale", [images]) as scope:
        images = convert_to_tensor(images)
        if rank(images) == 0 or images.shape.as_list()[-1] not in (None, 3):
            raise ValueError("rgb_to_grayscale: images have 3 colors, not the shape "
                             f"{images.shape}")
        weights = _core._constant([0.2989, 0.587, 0.114], None, None)
        colors = convert_image_dtype(images, "float32")
        if images.shape.as_list()[-1] is None:
            has = _core.equal(_core.shape(images)[-1], 3)
            colors = checked(colors, has, "images_have_not_3_colors")
        gray = _core.reduce_sum(colors * weights, -1, True)
        return convert_image_dtype(gray, images.dtype, name=scope)


def grayscale_to_rgb(images: Any, name: str | None = None) -> _core.Tensor:
    """Three times the same channel."""
    images = convert_to_tensor(images)
    return _core._concat([images] * 3, rank(images) - 1, name)


def crop_to_bounding_box(image: Any, offset_height: int, offset_width: int, target_height: int,
                         target_width: int) -> _core.Tensor:
    """A part of an image, or of each image of a batch."""
    image = checked_image(image)
    height, width = image.shape.as_list()[-3:-1]
    image = _inside(image, -3, "height", offset_height, target_height, height)
    image = _inside(image, -2, "width", offset_width, target_width, width)
    rows = slice(offset_height, offset_height + target_height)
    columns = slice(offset_width, offset_width + target_width)
    return image[rows, columns] if image.shape.ndims == 3 else image[:, rows, columns]


def _inside(image: _core.Tensor, axis: int, what: str, offset: int, target: int,
            size: int | None) -> _core.Tensor:
    """The image, which has what is to be cut from it."""
    if offset < 0:
        raise ValueError(f"offset_{what} must be >= 0.")
    if target <= 0:
        raise ValueError(f"target_{what} must be > 0.")
    if size is None:
        has = _core.greater_equal(_core.shape(image)[axis], target + offset)
        return checked(image, has, f"{what}_must_be_at_least_target_plus_offset")
    if size < target + offset:
        raise ValueError(f"{what} must be >= target + offset.")
    return image


def pad_to_bounding_box(image: Any, offset_height: int, offset_width: int, target_height: int,
                        target_width: int) -> _core.Tensor:
    """An image inside a larger one of zeros."""
    image = checked_image(image)
    dims = image.shape.as_list()
    height, width = _known(dims[-3:-1], "pad_to_bounding_box")
    for what, offset, target, size in (("height", offset_height, target_height, height),
                                       ("width", offset_width, target_width, width)):
        if offset < 0:
            raise ValueError(f"offset_{what} must be >= 0")
        if size > target - offset:
            raise ValueError(f"{what} must be <= target - offset")
    sides = [(offset_height, target_height - offset_height - height),
             (offset_width, target_width - offset_width - width), (0, 0)]
    return _core._pad(image, [(0, 0)] * (len(dims) - 3) + sides, None)


def adjust_brightness(image: Any, delta: Any) -> _core.Tensor:
    """Adds delta to all pixels, of which the largest is 1."""
    image = convert_to_tensor(image)
    with name_scope(None, "adjust_brightness", [image]) as scope:
        pixels = _as_floats(image)
        brighter = _core.add(pixels, _core.cast(delta, pixels.dtype))
        return convert_image_dtype(brighter, image.dtype, True, scope)


def _as_floats(image: _core.Tensor) -> _core.Tensor:
    return image if image.dtype in ("float16", "float32") else convert_image_dtype(image, "float32")


def adjust_contrast(images: Any, contrast_factor: Any) -> _core.Tensor:
    """Moves each channel away from its mean."""
    images = convert_to_tensor(images)
    if rank(images) < 3:
        raise ValueError(f"Shape must be at least rank 3 but is rank {rank(images)}")
    with name_scope(None, "adjust_contrast", [images]) as scope:
        pixels = _as_floats(images)
        mean = _core.reduce_mean(pixels, [rank(images) - 3, rank(images) - 2], True)
        changed = (pixels - mean) * _core.cast(contrast_factor, pixels.dtype) + mean
        return convert_image_dtype(changed, images.dtype, True, scope)


def per_image_standardization(image: Any) -> _core.Tensor:
    """An image with mean 0 and variance 1."""
    with name_scope("per_image_standardization") as scope:
        image = _core.cast(checked_image(image), "float32")
        axes = [rank(image) - 3, rank(image) - 2, rank(image) - 1]
        count = _core.cast(_core.reduce_prod(_core.shape(image)[-3:]), "float32")
        mean = _core.reduce_mean(image, axes, True)
        deviation = _core.sqrt(_core.reduce_mean(_core.squared_difference(image, mean), axes, True))
        return _core.divide(image - mean, _core.maximum(deviation, _core.rsqrt(count)), scope)


def _known(x: Any, what: str) -> list[int]:
    """ValueError for numbers that a run alone knows."""
    if isinstance(x, _core.Tensor) or any(isinstance(n, _core.Tensor) or n is None for n in x):
        raise ValueError(f"{what}: varscope needs the sizes when the graph is built")
    return [int(n) for n in x]


def resize_image_with_crop_or_pad(image: Any, target_height: int,
                                  target_width: int) -> _core.Tensor:
    """The middle of an image, with zeros around it where it is smaller."""
    image = checked_image(image)
    height, width = _known(image.shape.as_list()[-3:-1], "resize_image_with_crop_or_pad")
    part = crop_to_bounding_box(
        image, max((height - target_height) // 2, 0), max((width - target_width) // 2, 0),
        min(height, target_height), min(width, target_width))
    return pad_to_bounding_box(part, max((target_height - height) // 2, 0),
                               max((target_width - width) // 2, 0), target_height, target_width)


def resize_image_with_pad(image: Any, target_height: int, target_width: int,
                          method: Any = 0) -> _core.Tensor:
    """An image that is as large as fits, with zeros around it."""
    from varscope.resizing import resize_images
    image = checked_image(image)
    height, width = _known(image.shape.as_list()[-3:-1], "resize_image_with_pad")
    ratio = max(width / target_width, height / target_height)
    size = int(height / ratio), int(width / ratio)
    made = resize_images(image, size, method)
    return pad_to_bounding_box(made, max((target_height - size[0]) // 2, 0),
                               max((target_width - size[1]) // 2, 0), target_height, target_width)


def flip_left_right(image: Any) -> _core.Tensor:
    """An image, or each of a batch, from right to left."""
    with name_scope("flip_left_right"):
        image = checked_image(image)
        return _core.reverse(image, [rank(image) - 2])


def flip_up_down(image: Any) -> _core.Tensor:
    """An image, or each of a batch, from below."""
    with name_scope("flip_up_down"):
        image = checked_image(image)
        return _core.reverse(image, [rank(image) - 3])


def _perhaps(image: Any, flip: Any, seed: int | None) -> _core.Tensor:
    image = checked_image(image)
    if image.shape.ndims != 3:
        raise NotImplementedError("random flips: varscope has them for one image, not for a batch")
    drawn = random_uniform([], 0, 1.0, seed=seed)
    return cond(_core.less(drawn, 0.5), lambda: flip(image), lambda: _core.identity(image))


def random_flip_left_right(image: Any, seed: int | None = None) -> _core.Tensor:
    """flip_left_right in every second run."""
    return _perhaps(image, flip_left_right, seed)


def random_flip_up_down(image: Any, seed: int | None = None) -> _core.Tensor:
    """flip_up_down in every second run."""
    return _perhaps(image, flip_up_down, seed)


def random_brightness(image: Any, max_delta: float, seed: int | None = None) -> _core.Tensor:
    """adjust_brightness by a random number from -max_delta up to max_delta."""
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    return adjust_brightness(image, random_uniform([], -max_delta, max_delta, seed=seed))


def random_contrast(image: Any, lower: float, upper: float,
                    seed: int | None = None) -> _core.Tensor:
    """adjust_contrast by a random factor from lower up to upper."""
    if not 0 <= lower < upper:
        raise ValueError("lower must be non-negative, and upper above it.")
    return adjust_contrast(image, random_uniform([], lower, upper, seed=seed))


def random_crop(value: Any, size: Any, seed: int | None = None,
                name: str | None = None) -> _core.Tensor:
    """A part of this size from a random place."""
    with name_scope(name, "random_crop", [value]) as scope:
        value = convert_to_tensor(value)
        room = _core.subtract(_core.shape(value), size) + 1
        room = checked(room, reduce_all(_core.greater(room, 0)), "the_value_is_smaller_than_the_size")
        drawn = random_uniform([len(size)], 0, 2**31 - 1, "int32", seed)
        return slice_(value, _core.floormod(drawn, room), size, scope)
