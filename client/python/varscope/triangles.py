"""Systems of equations: tf.matrix_triangular_solve, cholesky_solve and matrix_solve_ls; and matrices
with another diagonal."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.matrices import eye, matrix_diag
from varscope.moving import matrix_transpose
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope
from varscope.selecting import selected


def matrix_triangular_solve(matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False,
                            name: str | None = None) -> _core.Tensor:
    """Returns x of matrix * x = rhs, where one half of the matrix counts, the lower one by default."""
    with name_scope(name, "MatrixTriangularSolve", [matrix, rhs]) as scope:
        half = _core.matrix_band_part(matrix, -1 if lower else 0, 0 if lower else -1)
        return _core.matrix_solve(half, rhs, adjoint, scope)


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> _core.Tensor:
    """Returns x of matrix * x = rhs, of the matrix that chol is the Cholesky factor of."""
    with name_scope(name, "cholesky_solve", [chol, rhs]) as scope:
        part = matrix_triangular_solve(chol, rhs)
        return matrix_triangular_solve(chol, part, adjoint=True, name=scope)


def matrix_solve_ls(matrix: Any, rhs: Any, l2_regularizer: float = 0.0, fast: bool = True,
                    name: str | None = None) -> _core.Tensor:
    """Returns the x for which the squares of matrix * x - rhs are least, with a weight of x's own
    squares."""
    with name_scope(name, "matrix_solve_ls", [matrix, rhs]) as scope:
        matrix = convert_to_tensor(matrix)
        turned = matrix_transpose(matrix)
        rows, columns = matrix.shape.as_list()[-2:]
        if rows is not None and columns is not None and rows < columns:
            squares = _core.matmul(matrix, turned)
            squares = squares + l2_regularizer * eye(rows, dtype=matrix.dtype)
            return _core.matmul(turned, _core.matrix_solve(squares, rhs), name=scope)
        squares = _core.matmul(turned, matrix)
        size = _core.shape(squares)[-1] if columns is None else columns
        squares = squares + l2_regularizer * eye(size, dtype=matrix.dtype)
        return _core.matrix_solve(squares, _core.matmul(turned, rhs), name=scope)


def matrix_set_diag(input: Any, diagonal: Any, name: str | None = None) -> _core.Tensor:
    """Returns square matrices with these diagonals."""
    with name_scope(name, "MatrixSetDiag", [input, diagonal]) as scope:
        matrix = convert_to_tensor(input)
        size = matrix.shape.as_list()[-1]
        size = _core.shape(matrix)[-1] if size is None else size
        return selected(eye(size, dtype="bool"), matrix_diag(diagonal), matrix, matrix, scope)
