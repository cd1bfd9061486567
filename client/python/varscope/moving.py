"""Elements that change their places: roll, matrix_transpose, space_to_depth and the like."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core
from varscope.arrays import reshape
from varscope.compat.v1 import nn
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope
from varscope.shaping import checked_axes, flat_numbers, rank


def matrix_transpose(a: Any, name: str = "matrix_transpose",
                     conjugate: bool = False) -> _core.Tensor:
    """Changes the places of the last two dimensions."""
    a = convert_to_tensor(a)
    if rank(a) < 2:
        raise ValueError("Argument `a` should be a (batch) matrix, with rank >= 2.  Found: "
                         f"{a.shape}")
    order = list(np.arange(rank(a)))
    order[-2:] = [order[-1], order[-2]]
    return _core.transpose(a, [int(i) for i in order], name)


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> _core.Tensor:
    """Moves the elements along axes; those that leave at one end come in at the other."""
    with name_scope(name, "roll", [input]) as scope:
        moved = convert_to_tensor(input)
        axes = checked_axes(flat_numbers(axis, "roll"), rank(moved))
        for by, along in zip(flat_numbers(shift, "roll"), axes):
            whole = (slice(None),) * along
            size = moved.shape.as_list()[along]
            if size is None:
                raise NotImplementedError("roll: varscope must know the dimension")
            cut = (-by) % size if size else 0
            moved = _core._concat([moved[(*whole, slice(cut, None))],
                                   moved[(*whole, slice(0, cut))]], along, None)
        return _core.identity(moved, scope)


def _blocks(x: Any, what: str) -> tuple[Any, int, int, int]:
    x = convert_to_tensor(x)
    _, height, width, depth = x.shape.as_list()
    if None in (height, width, depth):
        raise NotImplementedError(f"{what}: varscope must know the images' size")
    return x, height, width, depth


def space_to_depth(input: Any, block_size: int, name: str | None = None,
                   data_format: str = "NHWC") -> _core.Tensor:
    """Blocks of pixels become channels."""
    n = block_size
    with name_scope(name, "SpaceToDepth", [input]) as scope:
        x, height, width, depth = _blocks(input, "space_to_depth")
        parts = reshape(x, [-1, height // n, n, width // n, n, depth])
        parts = _core.transpose(parts, [0, 1, 3, 2, 4, 5])
        return reshape(parts, [-1, height // n, width // n, n * n * depth], scope)


def depth_to_space(input: Any, block_size: int, name: str | None = None,
                   data_format: str = "NHWC") -> _core.Tensor:
    """Channels become blocks of pixels."""
    n = block_size
    with name_scope(name, "DepthToSpace", [input]) as scope:
        x, height, width, depth = _blocks(input, "depth_to_space")
        parts = reshape(x, [-1, height, width, n, n, depth // (n * n)])
        parts = _core.transpose(parts, [0, 1, 3, 2, 4, 5])
        return reshape(parts, [-1, height * n, width * n, depth // (n * n)], scope)


def extract_image_patches(images: Any, ksizes: Any, strides: Any, rates: Any, padding: str,
                          name: str | None = None) -> _core.Tensor:
    """Returns the pixels of each window, side by side as channels."""
    if list(rates) != [1, 1, 1, 1]:
        raise NotImplementedError("extract_image_patches: varscope has no 'rates'")
    images = convert_to_tensor(images)
    depth, (height, width) = images.shape.as_list()[3], ksizes[1:3]
    count = height * width * depth
    ones = np.eye(count, dtype=images.dtype.as_numpy_dtype).reshape(height, width, depth, count)
    return nn.conv2d(images, ones, list(strides), padding, name=name or "ExtractImagePatches")
