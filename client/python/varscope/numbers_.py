"""Lists of numbers that an op takes: known when the graph is built, or tensors in part."""

from __future__ import annotations

from typing import Any

from varscope import _core


def is_symbolic(x: Any) -> bool:
    """Whether a run alone knows the value."""
    return isinstance(x, (_core.Tensor, _core.Variable))


def numbers(x: Any) -> Any:
    """Returns a list of ints, an int, or a tensor of what an op takes as a shape or a list.

    A list with tensors in it becomes one tensor. Dimensions are ints. ValueError for None, TypeError
    for what is no whole number.
    """
    if is_symbolic(x):
        return x
    if not hasattr(x, "__len__"):
        return _whole(x)
    items = list(x)
    tensors = [item for item in items if is_symbolic(item)]
    if not tensors:
        return [_whole(item) for item in items]
    dtype = "int32" if all(item.dtype == "int32" for item in tensors) else "int64"
    return _core.stack([_as(item, dtype) for item in items])


def _as(item: Any, dtype: str) -> Any:
    if not is_symbolic(item):
        return _core._constant(_whole(item), dtype, None)
    if item.shape.ndims != 0:  # TensorFlow takes a list of one number for the number
        item = _core.reshape(item, [])
    return item if item.dtype == dtype else _core.cast(item, dtype)


def _whole(item: Any) -> int:
    value = getattr(item, "value", item)
    if value is None:
        raise ValueError("None values not supported: a run needs this dimension, which is not "
                         "known; tf.shape() has it")
    if hasattr(value, "ndim") and value.ndim == 0:
        value = value.item()
    try:
        return value.__index__()
    except AttributeError:
        raise TypeError(f"{item!r} is no whole number") from None
