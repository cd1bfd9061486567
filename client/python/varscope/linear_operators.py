"""Matrices as objects: tf.linalg.LinearOperatorLowerTriangular and its like."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.matrices import matrix_diag
from varscope.moving import matrix_transpose
from varscope.ops import convert_to_tensor


class LinearOperator:
    """The base: a matrix, or a batch of them."""

    def __init__(self, matrix: Any, is_non_singular: bool | None = None,
                 is_self_adjoint: bool | None = None, is_positive_definite: bool | None = None,
                 is_square: bool | None = None, name: str = "LinearOperator") -> None:
        self._matrix = convert_to_tensor(matrix)
        self.name = name
        self.is_non_singular, self.is_self_adjoint = is_non_singular, is_self_adjoint
        self.is_positive_definite, self.is_square = is_positive_definite, is_square

    @property
    def dtype(self) -> Any:
        return self._matrix.dtype

    @property
    def shape(self) -> Any:
        return self.to_dense().shape

    def to_dense(self, name: str = "to_dense") -> _core.Tensor:
        """Returns the matrix."""
        return self._matrix

    def matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False,
               name: str = "matmul") -> _core.Tensor:
        """Returns the matrix times x."""
        x = matrix_transpose(x) if adjoint_arg else convert_to_tensor(x)
        own = self.to_dense()
        return _core.matmul(matrix_transpose(own) if adjoint else own, x)

    def solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False,
              name: str = "solve") -> _core.Tensor:
        """Returns the x of which the matrix makes rhs."""
        rhs = matrix_transpose(rhs) if adjoint_arg else convert_to_tensor(rhs)
        return _core.matrix_solve(self.to_dense(), rhs, adjoint)

    def determinant(self, name: str = "det") -> _core.Tensor:
        """Returns the determinant."""
        return _core.matrix_determinant(self.to_dense())


class LinearOperatorFullMatrix(LinearOperator):
    """Any matrix."""


class LinearOperatorLowerTriangular(LinearOperator):
    """The lower half of a matrix."""

    def __init__(self, tril: Any, is_non_singular: bool | None = None,
                 is_self_adjoint: bool | None = None, is_positive_definite: bool | None = None,
                 is_square: bool | None = None,
                 name: str = "LinearOperatorLowerTriangular") -> None:
        super().__init__(_core.matrix_band_part(tril, -1, 0), is_non_singular, is_self_adjoint,
                         is_positive_definite, is_square, name)


class LinearOperatorDiag(LinearOperator):
    """A matrix that has a diagonal alone."""

    def __init__(self, diag: Any, is_non_singular: bool | None = None,
                 is_self_adjoint: bool | None = None, is_positive_definite: bool | None = None,
                 is_square: bool | None = None, name: str = "LinearOperatorDiag") -> None:
        super().__init__(matrix_diag(diag), is_non_singular, is_self_adjoint,
                         is_positive_definite, is_square, name)
