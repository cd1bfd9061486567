"""Convolution and pooling of volumes, [batch, z, y, x, channels]: their slices are images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from varscope import _core
from varscope.arrays import pad, reshape
from varscope.compat.v1 import nn
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope


def _slices(x: Any, size: int, stride: int, padding: str, outside: float) -> list[Any]:
    """For each place of a window along z: the slices that are there, as images; and how many slices
    come out."""
    depth = x.shape.as_list()[1]
    if None in x.shape.as_list()[1:]:
        raise NotImplementedError("varscope must know the size of volumes, not only their number")
    if padding == "SAME":
        count = -(-depth // stride)
        missing = max((count - 1) * stride + size - depth, 0)
        before = missing // 2
        x = pad(x, [[0, 0], [before, missing - before], [0, 0], [0, 0], [0, 0]],
                constant_values=outside)
    else:
        count = (depth - size) // stride + 1
    parts = []
    for place in range(size):
        part = x[:, place:place + (count - 1) * stride + 1:stride]
        parts.append((reshape(part, [-1, *x.shape.as_list()[2:]]), count))
    return parts


def _volume(images: Any, count: int, scope: str) -> _core.Tensor:
    return reshape(images, [-1, count, *images.shape.as_list()[1:]], scope)


def _ndhwc(function: str, data_format: str) -> None:
    if data_format != "NDHWC":
        raise NotImplementedError(f"{function}: varscope has the data format NDHWC alone")


def conv3d(input: Any, filter: Any = None, strides: Any = None, padding: str | None = None,
           data_format: str = "NDHWC", dilations: Any = (1, 1, 1, 1, 1), name: str | None = None,
           filters: Any = None) -> _core.Tensor:
    """The convolution of volumes with a filter [z, y, x, in, out]. `strides` is [1, z, y, x, 1]."""
    from varscope.dilated import with_gaps
    _ndhwc("conv3d", data_format)
    with name_scope(name, "Conv3D", [input]) as scope:
        kernel = with_gaps(filters if filter is None else filter, list(dilations)[1:4])
        _, z, y, x, _ = strides
        sizes = kernel.shape.as_list()
        parts = _slices(convert_to_tensor(input), sizes[0], z, str(padding), 0)
        made = [nn.conv2d(images, kernel[place], [1, y, x, 1], padding)
                for place, (images, _) in enumerate(parts)]
        return _volume(made[0] if len(made) == 1 else _core.add_n(made), parts[0][1], scope)


def _pooled(pool: Callable[..., Any], value: Any, ksize: Sequence[int], strides: Sequence[int],
            padding: str, outside: float) -> tuple[list[Any], int]:
    parts = _slices(convert_to_tensor(value), ksize[1], strides[1], padding, outside)
    return [pool(images, [1, *ksize[2:4], 1], [1, *strides[2:4], 1], padding)
            for images, _ in parts], parts[0][1]


def max_pool3d(input: Any, ksize: Sequence[int], strides: Sequence[int], padding: str,
               data_format: str = "NDHWC", name: str | None = None) -> _core.Tensor:
    """The largest element of each window of volumes, for each channel."""
    _ndhwc("max_pool3d", data_format)
    with name_scope(name, "MaxPool3D", [input]) as scope:
        made, count = _pooled(nn.max_pool, input, ksize, strides, padding, float("-inf"))
        largest = made[0]
        for other in made[1:]:
            largest = _core.maximum(largest, other)
        return _volume(largest, count, scope)


def avg_pool3d(input: Any, ksize: Sequence[int], strides: Sequence[int], padding: str,
               data_format: str = "NDHWC", name: str | None = None) -> _core.Tensor:
    """The mean of each window of volumes, for each channel."""
    _ndhwc("avg_pool3d", data_format)
    with name_scope(name, "AvgPool3D", [input]) as scope:
        made, count = _pooled(nn.avg_pool, input, ksize, strides, padding, 0)
        ones = _core.ones([1, *convert_to_tensor(input).shape.as_list()[1:4], 1], "float32")
        there, _ = _pooled(nn.avg_pool, ones, ksize, strides, padding, 0)
        shares = [_core.cast(_core.greater(share, 0), made[0].dtype) for share in there]
        whole = _volume(_core.add_n(made), count, scope + "sums")
        return _core.divide(whole, _volume(_core.add_n(shares), count, scope + "counts"), scope)
