"""Images of another size: tf.image.resize_images and its like. Sizes may be known in a run alone."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np

from varscope import _core
from varscope.arrays import gather
from varscope.arrays import range as range_
from varscope.images import checked_image
from varscope.numbers_ import is_symbolic
from varscope.ops import convert_to_tensor, expand_dims
from varscope.scopes import name_scope
from varscope.shaping import rank


class ResizeMethod(enum.IntEnum):
    """How images change their size."""

    BILINEAR = 0
    NEAREST_NEIGHBOR = 1
    BICUBIC = 2
    AREA = 3


def _floats(x: Any) -> Any:
    return _core.cast(x, "float32") if is_symbolic(x) else np.float32(x)


class _Axis:
    """One dimension of images, which has a size, and is to have another one."""

    def __init__(self, image: Any, axis: int, wanted: Any, align_corners: bool) -> None:
        self.axis, self.wanted, self.aligns = axis, wanted, align_corners
        known = image.shape.as_list()[axis]
        self.size = _core.shape(image)[axis] if known is None else known
        self.scale = self._scale()

    def _scale(self) -> Any:
        """How many old pixels there are for a new one."""
        plain = _floats(self.size) / _floats(self.wanted)
        if not self.aligns:
            return plain
        if not is_symbolic(self.wanted) and self.wanted <= 1:
            return plain
        return (_floats(self.size) - 1.0) / (_floats(self.wanted) - 1.0)

    def places(self) -> Any:
        """Where the new pixels are among the old ones."""
        if is_symbolic(self.scale):
            return _core.cast(range_(self.wanted), "float32") * self.scale
        return np.arange(self.wanted, dtype=np.float32) * np.float32(self.scale)

    def at(self, image: Any, places: Any) -> Any:
        """The old pixels at these places, or at the nearest that are there."""
        last = self.size - 1
        if is_symbolic(places) or is_symbolic(last):
            whole = _core.cast(places, "int32")
            inside = _core.maximum(_core.minimum(whole, last), 0)
        else:
            inside = np.clip(places, 0, last).astype(np.int32)
        return gather(image, inside, axis=self.axis)

    def weights(self, numbers: Any, image: Any) -> Any:
        """A number for each new pixel, in a form that pixels are multiplied by."""
        dims = [1] * image.shape.ndims
        dims[self.axis] = -1
        return _core.reshape(_core.cast(numbers, "float32"), dims)


def _floor(places: Any) -> Any:
    return _core.floor(places) if is_symbolic(places) else np.floor(places)


def _nearest(image: Any, axis: _Axis) -> Any:
    places = axis.places()
    return axis.at(image, _floor(places + 0.5) if axis.aligns else _floor(places))


def _bilinear(image: Any, axis: _Axis) -> Any:
    places = axis.places()
    below = _floor(places)
    first, second = axis.at(image, below), axis.at(image, below + 1.0)
    return first + (second - first) * axis.weights(places - below, image)


def _bicubic(image: Any, axis: _Axis) -> Any:
    """Keys 1981, with a = -0.75, of shares that are whole 1024ths."""
    places = axis.places()
    below = _floor(places)
    share = places - below
    share = (_core.round(share * 1024.0) if is_symbolic(share) else np.round(share * 1024)) / 1024.0

    def near(x: Any) -> Any:
        return (1.25 * x - 2.25) * x * x + 1.0

    def far(x: Any) -> Any:
        return ((-0.75 * x + 3.75) * x - 6.0) * x + 3.0

    taps = [(-1.0, far(share + 1.0)), (0.0, near(share)), (1.0, near(1.0 - share)),
            (2.0, far(2.0 - share))]
    return _core.add_n([axis.at(image, below + offset) * axis.weights(weight, image)
                        for offset, weight in taps])


def _area(image: Any, axis: _Axis) -> Any:
    """The mean of the old pixels that a new one covers, each as far as it does."""
    starts = expand_dims(convert_to_tensor(axis.places()), 1)
    scale = convert_to_tensor(axis.scale)
    pixels = _core.cast(range_(axis.size), "float32")
    # What is beyond the last pixel is as that one.
    ends = _core._concat([pixels[1:], [np.inf]], 0, None)
    covered = _core.minimum(starts + scale, ends) - _core.maximum(starts, pixels)
    shares = _core.divide(_core.maximum(covered, 0.0), scale)
    order = list(range(image.shape.ndims))
    order.insert(0, order.pop(axis.axis))
    moved = _core.transpose(image, order)
    shape = _core.shape(moved)
    flat = _core._reshape_to(moved, _core.stack([shape[0], -1]), None)
    made = _core._reshape_to(_core.matmul(shares, flat), _core._concat(
        [expand_dims(axis.wanted, 0), shape[1:]], 0, None), None)
    known = moved.shape.as_list()
    made.set_shape([None if is_symbolic(axis.wanted) else axis.wanted, *known[1:]])
    back = [order.index(place) for place in range(len(order))]
    return _core.transpose(made, back)


# What makes one dimension of images, and what TensorFlow calls the op of both.
_METHODS = {ResizeMethod.NEAREST_NEIGHBOR: (_nearest, "ResizeNearestNeighbor"),
            ResizeMethod.BILINEAR: (_bilinear, "ResizeBilinear"),
            ResizeMethod.BICUBIC: (_bicubic, "ResizeBicubic"),
            ResizeMethod.AREA: (_area, "ResizeArea")}


def _resized(image: Any, wanted: list[Any], method: Any, align_corners: bool,
             name: str | None) -> _core.Tensor:
    how, op = _METHODS[ResizeMethod(method)]
    with name_scope(name, op, [image]) as scope:
        made = image if how is _nearest else _core.cast(image, "float32")
        for place, count in enumerate(wanted, rank(image) - 3):
            made = how(made, _Axis(made, place, count, align_corners))
        return _core.identity(made, scope)


def _sizes(size: Any) -> list[Any]:
    """The height and the width: numbers, or tensors."""
    if isinstance(size, (_core.Tensor, _core.Variable)):
        return [size[0], size[1]]
    if len(size) != 2:
        raise ValueError("'size' must be a 1-D Tensor of 2 elements: new_height, new_width")
    return [x if is_symbolic(x) else int(x) for x in size]


def _in_proportion(image: Any, first: int, wanted: list[Any]) -> list[Any]:
    """The largest size inside the wanted one that has the image's proportions."""
    dims = image.shape.as_list()[first:first + 2]
    if None in dims or any(is_symbolic(x) for x in wanted):
        own = [_core.cast(x, "float32") for x in (_core.shape(image)[first],
                                                 _core.shape(image)[first + 1])]
        scale = _core.minimum(*[_core.cast(x, "float32") / n for x, n in zip(wanted, own)])
        return [_core.cast(_core.round(scale * n), "int32") for n in own]
    scale = min(np.float32(x / n) for x, n in zip(wanted, dims))
    return [int(np.round(scale * n)) for n in dims]


def resize_images(images: Any, size: Any, method: Any = ResizeMethod.BILINEAR,
                  align_corners: bool = False, preserve_aspect_ratio: bool = False,
                  name: str | None = None) -> _core.Tensor:
    """One image, or a batch of them, with a new height and width; float32 unless each pixel is one
    of the old ones."""
    with name_scope(name, "resize", [images]):
        image = checked_image(images)
        first = rank(image) - 3
        wanted = _sizes(size)
        if preserve_aspect_ratio:
            wanted = _in_proportion(image, first, wanted)
        if image.shape.as_list()[first:first + 2] == wanted:
            return image
        return _resized(image, wanted, method, align_corners, None)


def resize_bilinear(images: Any, size: Any, align_corners: bool = False, name: str | None = None,
                    half_pixel_centers: bool = False) -> _core.Tensor:
    """The same, with what is between the old pixels."""
    return _op(images, size, ResizeMethod.BILINEAR, align_corners, name, half_pixel_centers)


def resize_nearest_neighbor(images: Any, size: Any, align_corners: bool = False,
                            name: str | None = None,
                            half_pixel_centers: bool = False) -> _core.Tensor:
    """The same, with the old pixels alone."""
    return _op(images, size, ResizeMethod.NEAREST_NEIGHBOR, align_corners, name, half_pixel_centers)


def resize_bicubic(images: Any, size: Any, align_corners: bool = False, name: str | None = None,
                   half_pixel_centers: bool = False) -> _core.Tensor:
    """The same, with curves through the old pixels."""
    return _op(images, size, ResizeMethod.BICUBIC, align_corners, name, half_pixel_centers)


def resize_area(images: Any, size: Any, align_corners: bool = False,
                name: str | None = None) -> _core.Tensor:
    """The same, with the means of the old pixels."""
    return _op(images, size, ResizeMethod.AREA, align_corners, name, False)


def _op(images: Any, size: Any, method: ResizeMethod, align_corners: bool, name: str | None,
        half_pixel_centers: bool) -> _core.Tensor:
    if half_pixel_centers:
        raise NotImplementedError("resize: varscope has no 'half_pixel_centers'")
    return _resized(checked_image(images), _sizes(size), method, align_corners, name)
