"""The attributes of ops as values that JSON has."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from varscope import _core
from varscope.shapes import TensorShape


def plain(value: Any) -> Any:
    """Returns what JSON writes for a value."""
    if isinstance(value, _core.DType):
        return {"dtype": value.name}
    if isinstance(value, TensorShape):
        return {"shape": dims_of(value)}
    if isinstance(value, np.ndarray):
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"array": [_core.as_dtype(value.dtype).name, list(value.shape), data]}
    return value


def dims_of(shape: TensorShape) -> list[int | None] | None:
    """Returns a shape's dimensions; None for an unknown rank."""
    return None if shape.ndims is None else shape.as_list()


def value_of(given: Any) -> Any:
    """Returns the value that plain() was given."""
    if not isinstance(given, dict):
        return given
    [(kind, content)] = given.items()
    if kind == "dtype":
        return _core.as_dtype(content)
    if kind == "shape":
        return TensorShape(content)
    dtype, dims, data = content
    array = np.frombuffer(base64.b64decode(data), _core.as_dtype(dtype).as_numpy_dtype)
    return array.reshape(dims)
