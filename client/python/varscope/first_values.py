"""First values that a program gives a store's variables: looked at before the variable exists.

A variable keeps its first value, and a program cannot take it back: one that no assignment would take is
refused here, with the variable's name, and the same line may be run again with a better one.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from varscope import _core
from varscope.errors import InvalidArgumentError
from varscope.initializers import is_initializer
from varscope.numbers_ import is_symbolic
from varscope.values import array_of, as_dtype


def checked(name: str, value: Any, dtype: Any) -> Any:
    """Returns the value, as NumPy's array where it is another package's, or of a function one that looks at what it returns; what says how to make a value,
    and tensors, as they are.

    TypeError for what is no array of numbers, and for numbers that the dtype does not have; ValueError for
    what is no array; InvalidArgumentError for NaN and infinities.
    """
    if _says_how(value):
        return value
    if callable(value):
        return _checking(name, value, dtype)
    said = f"the first value of variable '{name}'"
    array = array_of(value, said)
    if dtype is not None:
        array = as_dtype(array, np.dtype(_core.as_dtype(dtype).as_numpy_dtype), said)
    elif not _is_varscopes(array.dtype):
        raise TypeError(f"{said} is {_short(value)}, of NumPy's dtype '{array.dtype.name}', which no "
                        "variable has: give an array of numbers, an initializer of "
                        "varscope.initializers, or a function of a shape")
    elif isinstance(value, float):
        array = as_dtype(array, np.dtype(np.float32), said)  # as a Python number becomes
    check_finite(array, said)
    # Other packages' arrays, such as PyTorch's, as NumPy's.
    return value if _is_plain(value) else array


def _is_plain(value: Any) -> bool:
    own = isinstance(value, (np.ndarray, np.generic))
    return own or not (hasattr(value, "__array__") or hasattr(value, "__dlpack__"))


def _says_how(value: Any) -> bool:
    """Whether it is no array yet: it says how one is made, or a run knows it."""
    if isinstance(value, (list, tuple)):
        return any(is_symbolic(item) for item in value)  # they are stacked
    return (value is None or is_symbolic(value) or is_initializer(value)
            or isinstance(value, _core.Initializer))


def check_fits(variable: Any, value: Any, dtype: Any) -> None:
    """ValueError where a value is of another shape or dtype than its variable, which this connection had
    already: of another connection's the server says so.
    """
    if _says_how(value) or callable(value) or not isinstance(variable, _core.Variable):
        return
    array, found = np.asarray(value), tuple(variable.shape.as_list())
    said = f"Trying to share variable {variable.op.name}, but specified"
    if array.shape != found:
        raise ValueError(f"{said} shape {array.shape} and found shape {found}: this connection has it "
                         "already; another one needs another name")
    given = isinstance(value, (np.ndarray, np.generic)) and dtype is None
    if given and _core.as_dtype(array.dtype) != variable.dtype:
        raise ValueError(f"{said} dtype {array.dtype.name} and found dtype {variable.dtype.name}: this "
                         "connection has it already; another one needs another name")


def _checking(name: str, function: Any, dtype: Any) -> Any:
    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        value = function(*arguments, **keywords)
        return value if value is None else checked(name, value, dtype)

    return call


def _is_varscopes(dtype: Any) -> bool:
    try:
        _core.as_dtype(dtype)
    except TypeError:
        return False
    return True


def check_finite(array: Any, said: str) -> None:
    """InvalidArgumentError for NaN and infinities, where the first one is."""
    if array.dtype.kind in "iub" or not array.size:
        return
    with np.errstate(invalid="ignore"):
        if np.isfinite(array.min()) and np.isfinite(array.max()):  # NaN comes out of both
            return
    at = int(np.flatnonzero(~np.isfinite(array))[0])
    what = "NaN" if np.isnan(array.flat[at]) else "an infinity"
    raise InvalidArgumentError(
        None, None, f"{said} has {what} at element {at} of {array.size}; no variable was made")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
