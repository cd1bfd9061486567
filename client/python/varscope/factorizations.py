"""Matrices as products: tf.svd and tf.qr."""

from __future__ import annotations

from typing import Any, NamedTuple

from varscope import _core


def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True,
        name: str | None = None) -> Any:
    """Returns the singular values s, the largest first, and u and v: tensor = u * diag(s) * v^T;
    without compute_uv s alone."""
    if not compute_uv:
        return _core._singular_values(tensor, name)
    return _core._svd(tensor, full_matrices, name)


class Qr(NamedTuple):
    """What qr() returns."""

    q: Any
    r: Any


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Qr:
    """Returns an orthogonal and an upper triangular matrix: input = q * r."""
    return Qr(*_core._qr(input, full_matrices, name))
