"""Arrays that a program gives for variables: checked before they are sent."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core


def value_for(variable: _core.Variable, value: Any, what: str) -> Any:
    """Returns it as an array of the variable's dtype and shape. `what` is 'the value', in errors.

    TypeError for what is no number, and for numbers that the dtype does not have: 1.5 for an int32,
    300 for an int8. ValueError for another shape.
    """
    said = f"{what} of variable '{variable.op.name}'"
    array = as_dtype(value, _numpys(variable), said)
    if not variable.shape.is_compatible_with(array.shape):
        raise ValueError(f"{said} has the shape {array.shape}, and the variable has "
                         f"{tuple(variable.shape.as_list())}")
    return array


def rows_for(variable: _core.Variable, values: Any, indices: Any,
             said: str | None = None) -> tuple[Any, Any]:
    """Returns rows of a variable, and where they are, as arrays. Errors as those of value_for()."""
    said = said or f"the gradient of variable '{variable.op.name}'"
    rows = as_dtype(values, _numpys(variable), f"{said}: `values`")
    where = _array_of(indices, f"{said}: `indices`")
    if where.dtype.kind not in "iu" and where.size:
        raise TypeError(f"{said}: `indices` are numbers of rows, not {where.dtype.name}")
    where = as_dtype(where, np.dtype(np.int64), f"{said}: `indices`")
    shape = tuple(variable.shape.as_list())
    if where.ndim != 1 or not shape or rows.shape != (len(where), *shape[1:]):
        raise ValueError(f"{said}: `values` have the shape {rows.shape}, `indices` {where.shape}, and "
                         f"the variable has {shape}: it takes one row of values for each index")
    return rows, where


def _numpys(variable: _core.Variable) -> Any:
    return np.dtype(variable.dtype.as_numpy_dtype)


def _array_of(value: Any, said: str) -> Any:
    if value is None or isinstance(value, (_core.Tensor, _core.Variable)):
        raise TypeError(f"{said} is {value!r}, not an array or a number")
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{said} is no array: {error}") from None


def as_dtype(value: Any, wanted: Any, said: str) -> Any:
    """Returns it as an array of NumPy's dtype `wanted`. TypeError as value_for()'s, which begins with
    `said`; ValueError for what is no array.
    """
    array = _array_of(value, said)
    if array.dtype == wanted:
        return array
    if not _is_number(array.dtype):
        raise TypeError(f"{said} has NumPy's dtype '{array.dtype.name}', which does not become "
                        f"{wanted.name}")
    with np.errstate(invalid="ignore", over="ignore"):
        cast = array.astype(wanted)
    if wanted.kind in "iub":
        lost = np.asarray(cast != array)
        if lost.any():
            raise TypeError(f"{said} has {array[lost].flat[0]!s}, which is no {wanted.name}")
    return cast


def _is_number(dtype: Any) -> bool:
    # ml_dtypes' are of NumPy's kind V.
    return dtype.kind in "biuf" or dtype.name.startswith(("bfloat", "float"))
