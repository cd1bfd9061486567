"""Matrices of ones and zeros; diagonals and norms of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core
from varscope.arrays import broadcast_to, reshape
from varscope.arrays import range as range_
from varscope.numbers_ import is_symbolic, numbers
from varscope.ops import convert_to_tensor, expand_dims
from varscope.scopes import name_scope
from varscope.selecting import kept
from varscope.shaping import checked_axes, rank


def _indices(rows: Any, columns: Any) -> tuple[Any, Any]:
    """The row and the column of each element of a matrix."""
    return expand_dims(range_(rows), 1), expand_dims(range_(columns), 0)


def eye(num_rows: Any, num_columns: Any = None, batch_shape: Any = None,
        dtype: Any = _core.as_dtype("float32"), name: str | None = None) -> _core.Tensor:
    """Returns ones on the diagonal of a matrix, else zeros."""
    columns = num_rows if num_columns is None else num_columns
    with name_scope(name, "eye") as scope:
        last = scope if batch_shape is None else None
        if is_symbolic(num_rows) or is_symbolic(columns):
            row, column = _indices(num_rows, columns)
            matrix = _core.cast(_core.equal(row, column), dtype, last)
        else:
            ones = np.eye(int(num_rows), int(columns))
            matrix = _core._constant(ones.astype(_core.as_dtype(dtype).as_numpy_dtype), None, last)
        if batch_shape is None:
            return matrix
        batch = numbers(batch_shape)
        if not is_symbolic(batch):
            return broadcast_to(matrix, [*batch, num_rows, columns], scope)
        own = _core.cast(numbers([num_rows, columns]), batch.dtype)
        return broadcast_to(matrix, _core._concat([batch, own], 0, None), scope)


def _sizes(matrix: _core.Tensor) -> list[Any]:
    """The rows and the columns: numbers, or tensors where a run alone knows."""
    if rank(matrix) < 2:
        raise ValueError(f"Shape must be at least rank 2 but is rank {rank(matrix)}: {matrix!r}")
    dims = matrix.shape.as_list()
    return [_core.shape(matrix)[place] if dims[place] is None else dims[place]
            for place in (-2, -1)]


def diag(diagonal: Any, name: str | None = None) -> _core.Tensor:
    """Returns a matrix with these numbers on its diagonal."""
    diagonal = convert_to_tensor(diagonal)
    if diagonal.shape.ndims != 1:
        raise ValueError(f"diag: varscope needs a list of numbers, not {diagonal.shape}")
    return matrix_diag(diagonal, name or "Diag")


def matrix_diag(diagonal: Any, name: str | None = None) -> _core.Tensor:
    """Returns matrices with the numbers of the last dimension on their diagonals."""
    with name_scope(name, "diag", [diagonal]) as scope:
        diagonal = convert_to_tensor(diagonal)
        if rank(diagonal) == 0:
            raise ValueError("Shape must be at least rank 1 but is rank 0")
        known = diagonal.shape.as_list()
        size = _core.shape(diagonal)[-1] if known[-1] is None else known[-1]
        sizes = [_core.shape(diagonal)[i] if n is None else n for i, n in enumerate(known)]
        square = broadcast_to(expand_dims(diagonal, -1), [*sizes, size])
        return kept(eye(size, dtype="bool"), square, scope)


def matrix_diag_part(input: Any, name: str | None = None) -> _core.Tensor:
    """Returns the diagonals of matrices."""
    with name_scope(name, "diag_part", [input]) as scope:
        matrix = convert_to_tensor(input)
        rows, columns = _sizes(matrix)
        outer = [_core.shape(matrix)[i] if n is None else n
                 for i, n in enumerate(matrix.shape.as_list()[:-2])]
        # In a row, the next one on the diagonal is one more than a row of the matrix away.
        flat = reshape(matrix, [*outer, rows * columns])
        both_known = not is_symbolic(rows) and not is_symbolic(columns)
        count = min(rows, columns) if both_known else _core.minimum(rows, columns)
        part = flat[..., ::columns + 1]
        return _core.identity(part[..., :count], scope)


def trace(x: Any, name: str | None = None) -> _core.Tensor:
    """Returns the sum of the diagonal of square matrices."""
    with name_scope(name, "Trace", [x]) as scope:
        return _core.reduce_sum(matrix_diag_part(x), -1, name=scope)


def norm(tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool | None = None,
         name: str | None = None, keep_dims: bool | None = None) -> _core.Tensor:
    """Returns the norm of all elements, or of the vectors along an axis: the Euclidean one, that of
    another order above 0, or the largest magnitude (numpy.inf). Of matrices, along two axes, that
    of order 1, 2 or numpy.inf, or Frobenius'."""
    keep = bool(keep_dims if keepdims is None else keepdims)
    two = isinstance(axis, (list, tuple)) and len(axis) == 2
    if not two and not (axis is None or isinstance(axis, (int, np.integer))):
        raise ValueError("'axis' must be None, an integer, or a tuple of 2 unique integers, got "
                         f"{axis!r}")
    _check_order(ord, two)
    with name_scope(name, "norm", [tensor]) as scope:
        tensor = convert_to_tensor(tensor)
        if two and tensor.shape.ndims is not None:
            checked_axes(axis, tensor.shape.ndims)
        if ord in ("euclidean", "fro") or (ord == 2 and not two):
            squares = _core.reduce_sum(_core.square(tensor), axis, keep)
            return _core.sqrt(squares, scope)
        if two and ord == 2:
            return _spectral(tensor, list(axis), keep, scope)
        size = _core.abs(tensor)
        if two:
            inner, outer = axis if ord == 1 else axis[::-1]
            sums = _core.reduce_sum(size, inner, True)
            found = _core.reduce_max(sums, outer, True, None if not keep else scope)
            return found if keep else _core.squeeze(found, list(axis), scope)
        if ord == 1:
            return _core.reduce_sum(size, axis, keep, scope)
        if ord == np.inf:
            return _core.reduce_max(size, axis, keep, scope)
        powers = _core.reduce_sum(_core.pow(size, float(ord)), axis, keep)
        return _core.pow(powers, 1.0 / ord, scope)


def _spectral(tensor: Any, axis: list[int], keep: bool, scope: str) -> _core.Tensor:
    """The largest singular values of the matrices along two axes."""
    first, second = (i % rank(tensor) for i in axis)
    outer = [i for i in range(rank(tensor)) if i not in (first, second)]
    matrices = _core.transpose(tensor, [*outer, first, second])
    if not keep:
        return _core.reduce_max(_core._singular_values(matrices, None), -1, False, scope)
    found = _core.reduce_max(_core._singular_values(matrices, None), -1, True)
    wide = expand_dims(found, -1)
    places = [*outer, first, second]
    return _core.transpose(wide, [places.index(i) for i in range(rank(tensor))], scope)


def _check_order(ord: Any, of_matrices: bool) -> None:
    if of_matrices:
        if ord not in ("euclidean", "fro", 1, 2, np.inf):
            raise ValueError("'ord' must be a supported matrix norm in ['euclidean', 'fro', 1, 2, "
                             f"inf], got {ord!r}")
    elif ord != "euclidean" and (isinstance(ord, str) or ord <= 0):
        raise ValueError("'ord' must be a supported vector norm, got " + repr(ord))


def logdet(matrix: Any, name: str | None = None) -> _core.Tensor:
    """Returns the logarithm of the determinant of matrices that are positive definite."""
    with name_scope(name, "logdet", [matrix]):
        diagonal = matrix_diag_part(_core.cholesky(matrix))
        return 2.0 * _core.reduce_sum(_core.log(diagonal), -1)
