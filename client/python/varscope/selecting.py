"""Choosing between two values by a mask, whatever the one that is not chosen is.

Multiplying by 0 does not choose: 0 * inf and 0 * NaN are NaN.
"""

from __future__ import annotations

from typing import Any

from varscope import _core


def selected(mask: Any, x: Any, y: Any, like: _core.Tensor,
             name: str | None = None) -> _core.Tensor:
    """Returns x where the mask is true, else y. All three are repeated to the shape of `like`."""
    return _core._where(*(_repeated(part, like) for part in (mask, x, y)), name)


def kept(mask: Any, x: _core.Tensor, name: str | None = None) -> _core.Tensor:
    """Returns x where the mask is true, else 0. The mask is repeated to the shape of x."""
    return _core._where(_repeated(mask, x), x, _core.zeros_like(x), name)


def quotient_or_zero(x: Any, y: _core.Tensor, name: str | None = None) -> _core.Tensor:
    """Returns x / y of two numbers, and 0 where y is 0."""
    none = _core.equal(y, _core.zeros_like(y))
    divided = _core.divide(x, _core._where(none, _core.ones_like(y), y, None))
    return _core._where(none, _core.zeros_like(divided), divided, name)


def _repeated(part: Any, like: _core.Tensor) -> Any:
    dims = like.shape.as_list() if like.shape.ndims is not None else [None]
    shape = getattr(part, "shape", None)
    own = shape.as_list() if hasattr(shape, "as_list") and shape.ndims is not None else [None]
    if own == dims and None not in dims:
        return part
    return _core._broadcast_to(part, _core.shape(like) if None in dims else dims, None)
