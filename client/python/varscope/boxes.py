"""Boxes in images: tf.image's, [top, left, bottom, right], each from 0 to 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from varscope import _core, errors
from varscope.arrays import gather
from varscope.arrays import range as range_
from varscope.ops import convert_to_tensor, expand_dims
from varscope.scopes import name_scope
from varscope.seeds import op_seeds
from varscope.strings.tensors import Computed, computed, outputs

_INT32, _FLOAT = _core.as_dtype("int32"), _core.as_dtype("float32")


class SampledBox(NamedTuple):
    """What sample_distorted_bounding_box() returns."""

    begin: Any
    size: Any
    bboxes: Any


def sample_distorted_bounding_box(
        image_size: Any, bounding_boxes: Any, seed: int | None = None, seed2: int | None = None,
        min_object_covered: Any = 0.1, aspect_ratio_range: Sequence[float] | None = None,
        area_range: Sequence[float] | None = None, max_attempts: int | None = None,
        use_image_if_no_bounding_boxes: bool | None = None,
        name: str | None = None) -> SampledBox:
    """Draws a box that covers so much of one of the boxes: where it begins and its size, for
    tf.slice(), and the box for tf.image.draw_bounding_boxes(). The whole image where none is found."""
    low, high = aspect_ratio_range or (0.75, 1.33)
    least, most = area_range or (0.05, 1.0)
    generator = np.random.RandomState([n % (1 << 32) for n in op_seeds(seed) if n is not None] or
                                      None)

    def draw(size: Any, boxes: Any, covered: Any) -> list[Any]:
        height, width = int(size[0]), int(size[1])
        given = np.reshape(boxes, (-1, 4))
        if not len(given):
            if not use_image_if_no_bounding_boxes:
                raise errors.InvalidArgumentError(
                    None, None, "No bounding boxes provided as input. One must enable "
                    "use_image_if_no_bounding_boxes if you wish to not provide any bounding boxes.")
            given = np.array([[0.0, 0.0, 1.0, 1.0]])
        scale = [height, width, height, width]
        for _ in range(max_attempts or 100):
            made = _drawn(generator, height, width, (low, high), (least, most))
            if made is not None and _covers(made, given * scale, float(covered)):
                break
        else:
            made = (0, 0, height, width)
        top, left, tall, wide = made
        box = np.array([top, left, top + tall, left + wide]) / scale
        return [np.array([top, left, 0], np.int32), np.array([tall, wide, -1], np.int32),
                box.astype(np.float32).reshape(1, 1, 4)]

    inputs = [convert_to_tensor(image_size), convert_to_tensor(bounding_boxes),
              convert_to_tensor(min_object_covered)]
    return SampledBox(*outputs(Computed(draw, inputs), [
        (_INT32, [3]), (_INT32, [3]), (_FLOAT, [1, 1, 4])], name or "sample_distorted_bounding_box"))


def _drawn(generator: Any, height: int, width: int, ratios: tuple[float, float],
           areas: tuple[float, float]) -> tuple[int, int, int, int] | None:
    """A box of a drawn proportion and area; None where there is none."""
    ratio = generator.uniform(*ratios)
    least = np.sqrt(areas[0] * height * width / ratio)
    most = min(np.sqrt(areas[1] * height * width / ratio), height, width / ratio)
    if least > most:
        return None
    tall = int(np.clip(round(generator.uniform(least, most)), 1, height))
    wide = int(round(tall * ratio))
    if not 0 < wide <= width or not areas[0] <= tall * wide / (height * width) <= areas[1] + 1e-9:
        return None
    return (int(generator.randint(height - tall + 1)), int(generator.randint(width - wide + 1)),
            tall, wide)


def _covers(made: tuple[int, int, int, int], boxes: Any, share: float) -> bool:
    top, left, tall, wide = made
    heights = np.minimum(boxes[:, 2], top + tall) - np.maximum(boxes[:, 0], top)
    widths = np.minimum(boxes[:, 3], left + wide) - np.maximum(boxes[:, 1], left)
    shared = np.maximum(heights, 0) * np.maximum(widths, 0)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return bool((shared >= share * areas).any())


# The colors of boxes, one after the other.
_COLORS = np.array([[1, 1, 0, 1], [0, 0, 1, 1], [1, 0, 0, 1], [0, 1, 0, 1], [0.5, 0, 0.5, 1],
                    [0.5, 0.5, 0, 1], [0.5, 0, 0, 1], [0, 0, 0.5, 1], [0, 1, 1, 1], [1, 0, 1, 1]])


def draw_bounding_boxes(images: Any, boxes: Any, name: str | None = None,
                        colors: Any = None) -> _core.Tensor:
    """Returns the images with the edges of their boxes, [batch, boxes, 4], one pixel wide."""
    images = convert_to_tensor(images)
    chosen = _COLORS if colors is None else np.asarray(colors)

    def draw(pixels: Any, given: Any) -> Any:
        made = np.array(pixels)
        height, width, depth = made.shape[1:]
        for image, own in zip(made, given):
            for number, (top, left, bottom, right) in enumerate(own):
                color = chosen[number % len(chosen)][:depth] if depth > 1 else [1.0]
                rows = int(top * (height - 1)), int(bottom * (height - 1))
                columns = int(left * (width - 1)), int(right * (width - 1))
                if (rows[0] > rows[1] or columns[0] > columns[1] or rows[1] < 0 or columns[1] < 0
                        or rows[0] >= height or columns[0] >= width):
                    continue
                first, last = max(rows[0], 0), min(rows[1], height - 1)
                left_most, right_most = max(columns[0], 0), min(columns[1], width - 1)
                for row in rows:
                    if 0 <= row < height:
                        image[row, left_most:right_most + 1] = color
                for column in columns:
                    if 0 <= column < width:
                        image[first:last + 1, column] = color
        return made

    return computed(name or "DrawBoundingBoxesV2", draw, [images, convert_to_tensor(boxes)],
                    images._dims, images.dtype)


def non_max_suppression(boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any = 0.5,
                        score_threshold: Any = float("-inf"),
                        name: str | None = None) -> _core.Tensor:
    """Returns the numbers of the boxes with the largest scores, of which no two share more than this
    part of what they cover together."""

    def choose(given: Any, of: Any, most: Any, shared: Any, least: Any) -> Any:
        ends = np.stack([np.minimum(given[:, :2], given[:, 2:]),
                         np.maximum(given[:, :2], given[:, 2:])], 1)
        areas = np.prod(ends[:, 1] - ends[:, 0], axis=1)
        chosen: list[int] = []
        for number in np.argsort(-of, kind="stable"):
            if len(chosen) >= int(most) or of[number] <= least:
                break
            low = np.maximum(ends[chosen, 0], ends[number, 0])
            high = np.minimum(ends[chosen, 1], ends[number, 1])
            both = np.prod(np.maximum(high - low, 0), axis=1)
            together = areas[chosen] + areas[number] - both
            parts = np.where(together > 0, both / np.where(together > 0, together, 1), 0)
            if not (parts > shared).any():
                chosen.append(int(number))
        return np.array(chosen, np.int32)

    return computed(name or "NonMaxSuppression", choose, [convert_to_tensor(x) for x in (
        boxes, scores, max_output_size, iou_threshold, score_threshold)], [-1], _INT32)


def crop_and_resize(image: Any, boxes: Any, box_ind: Any = None, crop_size: Any = None,
                    method: str = "bilinear", extrapolation_value: float = 0.0,
                    name: str | None = None, box_indices: Any = None) -> _core.Tensor:
    """Returns the parts of images that boxes show, each of the image of its number, with this size.
    The value is what is outside."""
    if method not in ("bilinear", "nearest"):
        raise ValueError(f"method must be 'bilinear' or 'nearest', not {method!r}")
    with name_scope(name, "CropAndResize", [image]) as scope:
        pixels = _core.cast(convert_to_tensor(image), "float32")
        corners = convert_to_tensor(boxes)
        rows = gather(pixels, box_ind if box_indices is None else box_indices)
        height, width = (int(n) for n in crop_size)
        for axis, count, low, high in ((1, height, 0, 2), (2, width, 1, 3)):
            rows = _sampled(rows, axis, count, corners[:, low], corners[:, high], method,
                            extrapolation_value)
        return _core.identity(rows, scope)


def _sampled(rows: Any, axis: int, count: int, low: Any, high: Any, method: str,
             outside: float) -> Any:
    """Each image with `count` places along an axis, from `low` to `high`."""
    last = _core.cast(_core.shape(rows)[axis] - 1, "float32")
    steps = np.linspace(0, 1, count, dtype=np.float32) if count > 1 else np.array([0.5], np.float32)
    places = (expand_dims(low, 1) + expand_dims(high - low, 1) * steps) * last
    inside = _core.logical_and(_core.greater_equal(places, 0.0), _core.less_equal(places, last))
    below = _core.floor(places + 0.5) if method == "nearest" else _core.floor(places)
    made = _taken(rows, axis, below, last)
    if method == "bilinear":
        share = _spread(places - below, axis)
        made = made + (_taken(rows, axis, below + 1.0, last) - made) * share
    mask = _core._broadcast_to(_spread(inside, axis), _core.shape(made), None)
    return _core._where(mask, made, _core.ones_like(made) * outside, None)


def _spread(numbers: Any, axis: int) -> Any:
    """Numbers, [boxes, places], in a form that pixels are multiplied by."""
    for place in ((2, 3) if axis == 1 else (1, 3)):
        numbers = expand_dims(numbers, place)
    return numbers


def _taken(rows: Any, axis: int, places: Any, last: Any) -> Any:
    """The pixels of each image at places of its own."""
    inside = _core.cast(_core.maximum(_core.minimum(places, last), 0.0), "int32")
    boxes = _core.shape(inside)[0]
    number = expand_dims(range_(boxes), 1) + _core.zeros_like(inside)
    moved = rows if axis == 1 else _core.transpose(rows, [0, 2, 1, 3])
    taken = _core._gather_nd(moved, _core.stack([number, inside], 2), None)
    return taken if axis == 1 else _core.transpose(taken, [0, 2, 1, 3])
