"""The states of cells: tensors, or tuples of them, as deep as the cell is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from varscope import _core
from varscope.compat import v1 as tf


class LSTMStateTuple(NamedTuple):
    """The state of an LSTM: its cells, and its last output."""

    c: Any
    h: Any


def mapped(function: Callable[..., Any], first: Any, *others: Any) -> Any:
    """Returns function(...) of the leaves of structures of one form, in that form."""
    if isinstance(first, (list, tuple)):
        parts = [mapped(function, *items) for items in zip(first, *others, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
    return function(first, *others)


def leaves(structure: Any) -> list[Any]:
    """Returns the leaves of a structure in order."""
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in leaves(item)]
    return [structure]


def zeros(size: Any, batch_size: Any, dtype: Any) -> Any:
    """Returns zeros, [batch_size, size] for each size of a structure."""
    return mapped(lambda n: _zeros(n, batch_size, dtype), size)


def _zeros(size: Any, batch_size: Any, dtype: Any) -> _core.Tensor:
    dims = list(size) if hasattr(size, "as_list") else [size]
    return tf.zeros([batch_size, *dims], dtype)


def zeros_beside(size: Any, inputs: Any, axis: int, dtype: Any) -> Any:
    """Returns the same for as many rows as the inputs have along an axis, known in a run alone."""
    others = [i for i in range(len(inputs.shape.as_list())) if i != axis]
    none = _core.cast(_core.reduce_sum(_core.zeros_like(inputs), others), dtype)
    column = _core._expand_dims(none, 1, None)
    return mapped(lambda n: _core.tile(column, [1, n]), size)


def where_active(active: Any, new: Any, old: Any) -> Any:
    """Returns new where a sequence goes on, else old; leaves are [batch, ...]."""
    return mapped(lambda a, b: tf.where(active, a, b), new, old)
