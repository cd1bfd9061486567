"""Shapes of tensors that are known in part when the graph is built."""

from __future__ import annotations

from typing import Any

from varscope import _core


def times_matrix(x: Any, matrix: Any) -> _core.Tensor:
    """x * matrix over the last dimension of x, which may have more than two."""
    dims = x.shape.as_list()
    if len(dims) == 2:
        return _core.matmul(x, matrix)
    rows = _core.reshape(x, [-1, dims[-1]])
    return with_dims(_core.matmul(rows, matrix), [*dims[:-1], matrix.shape.as_list()[1]], like=x)


def with_dims(x: Any, dims: list[int | None], name: str | None = None,
              like: Any = None) -> _core.Tensor:
    """Returns x in this shape, of which one dimension may be unknown; with `like` all may be that
    are its own."""
    if dims.count(None) > 1 and like is not None:
        known = _core.shape(like)
        return _core._reshape_to(x, _core.stack([
            known[i] if n is None else _core._constant(n, "int32", None)
            for i, n in enumerate(dims)]), name)
    if dims.count(None) > 1:
        raise ValueError(f"varscope reshapes to one unknown dimension, not to {dims}")
    return _core.reshape(x, [-1 if n is None else n for n in dims], name)


def rank(x: Any) -> int:
    """Returns the number of dimensions. ValueError when it is not known."""
    if x.shape.ndims is None:
        raise ValueError(f"{x!r}: the number of dimensions must be known")
    return x.shape.ndims
