"""Images' colors: hue, saturation, gamma."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.images import convert_image_dtype
from varscope.ops import convert_to_tensor
from varscope.random_numbers import random_uniform
from varscope.scopes import name_scope


def _channels(images: Any) -> tuple[_core.Tensor, _core.Tensor, _core.Tensor]:
    """The three numbers of each pixel. ValueError for images that have not three."""
    images = convert_to_tensor(images)
    if images.shape.ndims is not None and images.shape.as_list()[-1] not in (None, 3):
        raise ValueError("input must have 3 channels but instead has "
                         f"{images.shape.as_list()[-1]}.")
    return images[..., 0], images[..., 1], images[..., 2]


def _where(condition: Any, x: Any, y: Any) -> _core.Tensor:
    return _core._where(condition, x, y, None)


def rgb_to_hsv(images: Any, name: str | None = None) -> _core.Tensor:
    """Returns hue, saturation and value of pixels of red, green and blue, all from 0 to 1."""
    with name_scope(name, "RGBToHSV", [images]):
        red, green, blue = _channels(images)
        value = _core.maximum(_core.maximum(red, green), blue)
        spread = value - _core.minimum(_core.minimum(red, green), blue)
        ones, zeros = _core.ones_like(value), _core.zeros_like(value)
        gray = _core.less_equal(spread, 0)
        saturation = _where(_core.greater(value, 0), spread / _where(
            _core.greater(value, 0), value, ones), zeros)
        step = 1.0 / (6.0 * _where(gray, ones, spread))
        hue = _where(_core.equal(red, value), step * (green - blue), _where(
            _core.equal(green, value), step * (blue - red) + 2.0 / 6.0,
            step * (red - green) + 4.0 / 6.0))
        hue = _where(gray, zeros, hue)
        hue = _where(_core.less(hue, 0), hue + 1.0, hue)
        return _core.stack([hue, saturation, value], -1)


def hsv_to_rgb(images: Any, name: str | None = None) -> _core.Tensor:
    """Returns red, green and blue of pixels of hue, saturation and value."""
    with name_scope(name, "HSVToRGB", [images]):
        hue, saturation, value = _channels(images)
        turned = hue * 6.0
        parts = [_core.abs(turned - 3.0) - 1.0, 2.0 - _core.abs(turned - 2.0),
                 2.0 - _core.abs(turned - 4.0)]
        colors = [(1.0 - saturation + saturation * _core.clip_by_value(part, 0.0, 1.0)) * value
                  for part in parts]
        return _core.stack(colors, -1)


def _changed(image: Any, change: Any) -> _core.Tensor:
    """An image whose hue, saturation and value a function has changed."""
    image = convert_to_tensor(image)
    hsv = rgb_to_hsv(convert_image_dtype(image, "float32"))
    return convert_image_dtype(hsv_to_rgb(_core.stack(change(*_channels(hsv)), -1)), image.dtype)


def adjust_hue(image: Any, delta: Any, name: str | None = None) -> _core.Tensor:
    """Turns the colors by a part of the circle, from -1 to 1."""
    with name_scope(name, "adjust_hue", [image]):
        return _changed(image, lambda h, s, v: [_core.floormod(h + delta, 1.0), s, v])


def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> _core.Tensor:
    """Makes the colors stronger, or weaker, by a factor."""
    with name_scope(name, "adjust_saturation", [image]):
        return _changed(image, lambda h, s, v: [
            h, _core.clip_by_value(s * saturation_factor, 0.0, 1.0), v])


def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> _core.Tensor:
    """Returns gain * image^gamma, of pixels from 0 to 1."""
    with name_scope(None, "adjust_gamma", [image]) as scope:
        image = convert_to_tensor(image)
        if isinstance(gamma, (int, float)) and gamma < 0:
            raise ValueError("Gamma should be a non-negative real number.")
        pixels = convert_image_dtype(image, "float32")
        return convert_image_dtype(gain * pixels**gamma, image.dtype, True, scope)


def random_hue(image: Any, max_delta: float, seed: int | None = None) -> _core.Tensor:
    """adjust_hue by a random number from -max_delta up to max_delta."""
    if max_delta > 0.5:
        raise ValueError("max_delta must be <= 0.5.")
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    return adjust_hue(image, random_uniform([], -max_delta, max_delta, seed=seed))


def random_saturation(image: Any, lower: float, upper: float,
                      seed: int | None = None) -> _core.Tensor:
    """adjust_saturation by a random factor from lower up to upper."""
    if upper <= lower:
        raise ValueError("upper must be > lower.")
    if lower < 0:
        raise ValueError("lower must be non-negative.")
    return adjust_saturation(image, random_uniform([], lower, upper, seed=seed))
