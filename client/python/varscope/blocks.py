"""Blocks of space as batches, and back: what dilated convolutions were made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from varscope import _core
from varscope.arrays import pad, reshape
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope


def _known(x: Any, count: int, what: str) -> list[int]:
    """The sizes of all dimensions but the batch's."""
    sizes = x.shape.as_list()[1:]
    if None in sizes or len(sizes) < count:
        raise NotImplementedError(f"{what}: varscope must know all dimensions but the first one; the "
                                  f"shape is {x.shape}")
    return sizes


def space_to_batch_nd(input: Any, block_shape: Sequence[int], paddings: Any,
                      name: str | None = None) -> _core.Tensor:
    """Each place of a block becomes a batch of its own, after zeros were added around."""
    blocks, around = [int(b) for b in np.asarray(block_shape)], np.asarray(paddings).tolist()
    count = len(blocks)
    with name_scope(name, "SpaceToBatchND", [input]) as scope:
        x = convert_to_tensor(input)
        _known(x, count, "space_to_batch_nd")
        x = pad(x, [[0, 0], *around, *[[0, 0]] * (x.shape.ndims - 1 - count)])
        sizes = x.shape.as_list()[1:]
        inside = [n for size, b in zip(sizes, blocks) for n in (size // b, b)]
        rest = list(range(2 * count + 1, 2 * count + 1 + len(sizes) - count))
        x = reshape(x, [-1, *inside, *sizes[count:]])
        x = _core.transpose(x, [*range(2, 2 * count + 1, 2), 0, *range(1, 2 * count, 2), *rest])
        return reshape(x, [-1, *(n // b for n, b in zip(sizes, blocks)), *sizes[count:]], scope)


def batch_to_space_nd(input: Any, block_shape: Sequence[int], crops: Any,
                      name: str | None = None) -> _core.Tensor:
    """The other way round; then takes what `crops` says away."""
    blocks, away = [int(b) for b in np.asarray(block_shape)], np.asarray(crops).tolist()
    count = len(blocks)
    with name_scope(name, "BatchToSpaceND", [input]) as scope:
        x = convert_to_tensor(input)
        sizes = _known(x, count, "batch_to_space_nd")
        x = reshape(x, [*blocks, -1, *sizes])
        order = [count]
        for axis in range(count):
            order += [count + 1 + axis, axis]
        x = _core.transpose(x, order + list(range(2 * count + 1, 1 + count + len(sizes))))
        whole = [n * b for n, b in zip(sizes, blocks)]
        x = reshape(x, [-1, *whole, *sizes[count:]])
        cut = tuple(slice(first, size - last) for size, (first, last) in zip(whole, away))
        return _core.identity(x[(slice(None), *cut)], scope)


def space_to_batch(input: Any, paddings: Any, block_size: int,
                   name: str | None = None) -> _core.Tensor:
    """space_to_batch_nd of images."""
    return space_to_batch_nd(input, [block_size] * 2, paddings, name)


def batch_to_space(input: Any, crops: Any, block_size: int,
                   name: str | None = None) -> _core.Tensor:
    """batch_to_space_nd of images."""
    return batch_to_space_nd(input, [block_size] * 2, crops, name)
