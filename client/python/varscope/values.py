"""Arrays that a program gives for variables: checked before they are sent."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core
from varscope.errors import InvalidArgumentError


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
    where = _numbers(indices, f"{said}: `indices`")
    shape = tuple(variable.shape.as_list())
    if where.ndim != 1 or not shape or rows.shape != (len(where), *shape[1:]):
        raise ValueError(f"{said}: `values` have the shape {rows.shape}, `indices` {where.shape}, and "
                         f"the variable has {shape}: it takes one row of values for each index")
    return rows, where


def numbers_for(variable: _core.Variable, rows: Any) -> Any:
    """Returns numbers of rows of a variable as an int64 array. TypeError for what are none, ValueError
    for a variable that has no rows, InvalidArgumentError for a row that there is not.
    """
    said = f"the rows of variable '{variable.op.name}'"
    if not variable.shape.ndims:
        raise ValueError(f"{said}: it has the shape (), and no rows")
    numbers, count = _numbers(rows, said), variable.shape.as_list()[0]
    outside = (numbers < 0) | (numbers >= count)
    if outside.any():
        raise InvalidArgumentError(
            None, None, f"{said}: {numbers[outside].flat[0]} is not in [0, {count})")
    return numbers


def _numbers(rows: Any, said: str) -> Any:
    numbers = array_of(rows, said)
    if numbers.dtype.kind not in "iu" and numbers.size:
        raise TypeError(f"{said} are numbers of rows, not {numbers.dtype.name}")
    return as_dtype(numbers, np.dtype(np.int64), said)


def _numpys(variable: _core.Variable) -> Any:
    return np.dtype(variable.dtype.as_numpy_dtype)


def array_of(value: Any, said: str) -> Any:
    """Returns it as an array of whatever dtype it has. TypeError and ValueError, which begin with `said`,
    for what is no array.
    """
    if value is None or isinstance(value, (_core.Tensor, _core.Variable)):
        raise TypeError(f"{said} is {value!r}, not an array or a number")
    if np.ma.is_masked(value):
        raise TypeError(f"{said} has elements that are masked: value.filled(...) says what they are")
    try:
        if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
            return np.from_dlpack(value)
        return np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        kind = next(kind for kind in (ValueError, TypeError, RuntimeError) if isinstance(error, kind))
        raise kind(f"{said} is no array: {error}") from error


def as_dtype(value: Any, wanted: Any, said: str) -> Any:
    """Returns it as an array of NumPy's dtype `wanted`. TypeError as value_for()'s, which begins with
    `said`; ValueError for what is no array.
    """
    array = array_of(value, said)
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
