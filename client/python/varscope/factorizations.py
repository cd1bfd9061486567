"""Matrices as products: eigenvalues, singular values, QR. The program computes them for a run; there is
no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core
from varscope.ops import convert_to_tensor
from varscope.strings.tensors import Computed, outputs


def _made(name: str, function: Any, matrix: Any, dims: list[Any]) -> list[Any]:
    return outputs(Computed(lambda array: [x.astype(array.dtype) for x in function(array)], [matrix]),
                   [(matrix.dtype, shape) for shape in dims], name)


def _sizes(tensor: Any) -> tuple[Any, list[int], int, int]:
    matrix = convert_to_tensor(tensor)
    *batch, rows, columns = matrix._dims
    return matrix, batch, rows, columns


def self_adjoint_eig(tensor: Any, name: str | None = None) -> tuple[Any, Any]:
    """Returns the eigenvalues of symmetric matrices, the smallest first, and the eigenvectors as
    columns. The lower half of each matrix counts."""
    matrix, batch, rows, _ = _sizes(tensor)
    values, vectors = _made(name or "self_adjoint_eig", np.linalg.eigh, matrix,
                            [[*batch, rows], [*batch, rows, rows]])
    return values, vectors


def self_adjoint_eigvals(tensor: Any, name: str | None = None) -> _core.Tensor:
    """Returns the eigenvalues of symmetric matrices, the smallest first."""
    matrix, batch, rows, _ = _sizes(tensor)
    return _made(name or "self_adjoint_eigvals", lambda x: [np.linalg.eigvalsh(x)], matrix,
                 [[*batch, rows]])[0]


def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True,
        name: str | None = None) -> Any:
    """Returns the singular values s, the largest first, and u and v: tensor = u * diag(s) * v^T."""
    matrix, batch, rows, columns = _sizes(tensor)
    few = -1 if -1 in (rows, columns) else min(rows, columns)
    if not compute_uv:
        return _made(name or "Svd", lambda x: [np.linalg.svd(x, compute_uv=False)], matrix,
                     [[*batch, few]])[0]

    def decomposed(array: Any) -> list[Any]:
        u, s, v = np.linalg.svd(array, full_matrices)
        return [s, u, np.swapaxes(v, -1, -2)]

    s, u, v = _made(name or "Svd", decomposed, matrix, [
        [*batch, few], [*batch, rows, rows if full_matrices else few],
        [*batch, columns, columns if full_matrices else few]])
    return s, u, v


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> tuple[Any, Any]:
    """Returns an orthogonal and an upper triangular matrix: input = q * r."""
    matrix, batch, rows, columns = _sizes(input)
    inner = rows if full_matrices or -1 in (rows, columns) else min(rows, columns)
    q, r = _made(name or "Qr", lambda x: np.linalg.qr(
        x, "complete" if full_matrices else "reduced"), matrix,
        [[*batch, rows, inner], [*batch, inner, columns]])
    return q, r
