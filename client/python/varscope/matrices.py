"""Matrices of ones and zeros, and parts and norms of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core
from varscope.arrays import broadcast_to, where
from varscope.arrays import range as range_
from varscope.numbers_ import is_symbolic
from varscope.ops import convert_to_tensor, expand_dims
from varscope.scopes import name_scope


def _indices(rows: Any, columns: Any) -> tuple[Any, Any]:
    """The row and the column of each element of a matrix."""
    return expand_dims(range_(rows), 1), expand_dims(range_(columns), 0)


def eye(num_rows: Any, num_columns: Any = None, batch_shape: Any = None,
        dtype: Any = _core.as_dtype("float32"), name: str | None = None) -> _core.Tensor:
    """Returns ones on the diagonal of a matrix, else zeros."""
    columns = num_rows if num_columns is None else num_columns
    with name_scope(name, "eye"):
        if is_symbolic(num_rows) or is_symbolic(columns):
            row, column = _indices(num_rows, columns)
            matrix = _core.cast(_core.equal(row, column), dtype)
        else:
            ones = np.eye(int(num_rows), int(columns))
            matrix = _core._constant(ones.astype(_core.as_dtype(dtype).as_numpy_dtype), None, None)
        if batch_shape is None:
            return matrix
        return broadcast_to(matrix, [*batch_shape, num_rows, columns])


def _sizes(matrix: _core.Tensor) -> list[Any]:
    """The rows and the columns: numbers, or tensors where a run alone knows."""
    dims = matrix.shape.as_list()
    return [_core.shape(matrix)[place] if dims[place] is None else dims[place]
            for place in (-2, -1)]


def _only(inside: Any, matrix: _core.Tensor) -> _core.Tensor:
    """Zeros outside. A product with zeros would leave what is not finite there, as NaN."""
    return where(broadcast_to(inside, _core.shape(matrix)), matrix, _core.zeros_like(matrix))


def diag(diagonal: Any, name: str | None = None) -> _core.Tensor:
    """Returns a matrix with these numbers on its diagonal."""
    with name_scope(name, "Diag", [diagonal]):
        diagonal = convert_to_tensor(diagonal)
        if diagonal.shape.ndims != 1:
            raise ValueError(f"diag: varscope needs a list of numbers, not {diagonal.shape}")
        return matrix_diag(diagonal)


def matrix_diag(diagonal: Any, name: str | None = None) -> _core.Tensor:
    """Returns matrices with the numbers of the last dimension on their diagonals."""
    with name_scope(name, "MatrixDiag", [diagonal]):
        diagonal = convert_to_tensor(diagonal)
        last = diagonal.shape.as_list()[-1]
        size = _core.shape(diagonal)[-1] if last is None else last
        row, column = _indices(size, size)
        repeated = _core.multiply(expand_dims(diagonal, -1),
                                  _core.cast(_core.equal(column, column), diagonal.dtype))
        return _only(_core.equal(row, column), repeated)


def matrix_diag_part(input: Any, name: str | None = None) -> _core.Tensor:
    """Returns the diagonals of square matrices."""
    with name_scope(name, "MatrixDiagPart", [input]):
        matrix = convert_to_tensor(input)
        row, column = _indices(*_sizes(matrix))
        return _core.reduce_sum(_only(_core.equal(row, column), matrix), -1)


def trace(x: Any, name: str | None = None) -> _core.Tensor:
    """Returns the sum of the diagonal of square matrices."""
    with name_scope(name, "Trace", [x]):
        return _core.reduce_sum(matrix_diag_part(x), -1)


def matrix_band_part(input: Any, num_lower: int, num_upper: int,
                     name: str | None = None) -> _core.Tensor:
    """Returns matrices without what is further below, and above, the diagonal; -1 keeps all."""
    with name_scope(name, "MatrixBandPart", [input]):
        matrix = convert_to_tensor(input)
        row, column = _indices(*_sizes(matrix))
        inside = _core.equal(row, row)
        if num_lower >= 0:
            inside = _core.logical_and(inside, _core.less_equal(row - column, num_lower))
        if num_upper >= 0:
            inside = _core.logical_and(inside, _core.less_equal(column - row, num_upper))
        if num_lower < 0 and num_upper < 0:
            return _core.identity(matrix)
        return _only(inside, matrix)


def norm(tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool | None = None,
         name: str | None = None, keep_dims: bool | None = None) -> _core.Tensor:
    """Returns the Euclidean norm, that of order 1 or 2, or the largest magnitude (numpy.inf)."""
    keep = bool(keep_dims if keepdims is None else keepdims)
    with name_scope(name, "norm", [tensor]):
        if ord == 1:
            return _core.reduce_sum(_core.abs(tensor), axis, keep)
        if ord == np.inf:
            return _core.reduce_max(_core.abs(tensor), axis, keep)
        if ord not in ("euclidean", "fro", 2):
            raise NotImplementedError(f"norm: varscope has no order {ord!r}")
        return _core.sqrt(_core.reduce_sum(_core.square(tensor), axis, keep))
