"""Images cut and turned: central_crop, rot90, transpose_image."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.images import checked_image
from varscope.indexing import slice_
from varscope.scopes import name_scope
from varscope.shaping import rank


def central_crop(image: Any, central_fraction: float) -> _core.Tensor:
    """The middle of an image, or of each of a batch: this part of its height and of its width."""
    if central_fraction <= 0.0 or central_fraction > 1.0:
        raise ValueError("central_fraction must be within (0, 1]")
    image = checked_image(image)
    if central_fraction == 1.0:
        return image
    with name_scope(None, "central_crop", [image]):
        first = rank(image) - 3
        begin: list[Any] = [0] * rank(image)
        size: list[Any] = [-1] * rank(image)
        for axis in (first, first + 1):
            begin[axis], size[axis] = _middle(image, axis, central_fraction)
        return slice_(image, begin, size)


def _middle(image: _core.Tensor, axis: int, fraction: float) -> tuple[Any, Any]:
    """Where the middle part of a dimension begins, and its size."""
    known = image.shape.as_list()[axis]
    if known is not None:
        begin = int((known - known * fraction) / 2)
        return begin, known - 2 * begin
    dim = _core.shape(image)[axis]
    whole = _core.cast(dim, "float64")
    start = _core.cast((whole - whole * fraction) / 2, "int32")
    return start, dim - 2 * start


def transpose_image(image: Any) -> _core.Tensor:
    """An image, or each of a batch, with rows for columns."""
    image = checked_image(image)
    return _core.transpose(image, [1, 0, 2] if rank(image) == 3 else [0, 2, 1, 3])


def rot90(image: Any, k: int = 1, name: str | None = None) -> _core.Tensor:
    """An image, or each of a batch, turned to the left by k quarters of the circle."""
    with name_scope(name, "rot90", [image]):
        image = checked_image(image)
        rows, columns = rank(image) - 3, rank(image) - 2
        turns = int(k) % 4
        if turns == 0:
            return _core.identity(image)
        if turns == 2:
            return _core.reverse(image, [rows, columns])
        if turns == 1:
            return transpose_image(_core.reverse(image, [columns]))
        return _core.reverse(transpose_image(image), [columns])
