"""Assigning to a part of a variable: v[0].assign(x), v[:, 1].assign(x), tf.assign(v[2:], x).

The rows that the part is in are assigned, and no others: workers that assign different rows do not
undo each other's work. Of rows that are assigned in part the rest is read and written back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from varscope import _core, graph_data
from varscope.broadcasting import broadcast_static_shape
from varscope.indexing import getitem
from varscope.numbers_ import is_symbolic
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope
from varscope.variables import assign, scatter_update

_NO_PART = ("'Tensor' object has no attribute 'assign': only a variable, or a part of one such as "
            "v[0], can be assigned to")
_ALL = slice(None)


def part_of_variable(self: _core.Variable, key: Any) -> _core.Tensor:
    """Returns the part of a variable, which can be assigned to."""
    made = getitem(self, key)
    keys = key if isinstance(key, tuple) else (key,)
    # What a run alone knows, and a mask, are no part.
    known = not any(is_symbolic(part) or np.ndim(part) for k in keys for part in _parts(k))
    if known and not self.is_partitioned:
        graph_data.of(made.graph).parts[made.name] = (self.name, key)
    return made


def _parts(key: Any) -> tuple[Any, ...]:
    return (key.start, key.stop, key.step) if isinstance(key, slice) else (key,)


def _assign_of(self: _core.Tensor) -> Callable[..., Any]:
    """assign() of a part of a variable. AttributeError for what is no part of one."""
    found = graph_data.of(self.graph).parts.get(self.name)
    if found is None:
        raise AttributeError(_NO_PART)
    name, key = found
    with self.graph.as_default():
        # The client's list has those of other collections too.
        [variable] = [v for v in _core.global_variables() if v.name == name]
    shape = self.shape

    def assign_part(value: Any, use_locking: bool = False, name: str | None = None,
                    read_value: bool = True) -> Any:
        """Returns the variable's value after a run has replaced the part: by a value that repeats
        to the part's shape. ValueError for another one."""
        with variable.graph.as_default(), name_scope(name, "strided_slice_assign"):
            new = convert_to_tensor(value, variable.dtype)
            if not _repeats_to(shape, new.shape):
                raise ValueError(f"Cannot assign a value of shape {new.shape} to a part of shape "
                                 f"{shape} of variable {variable.name}")
            keys = key if isinstance(key, tuple) else (key,)
            done = _assigned(variable, keys, shape.as_list(), new)
            return done if read_value else done.op

    return assign_part


def _repeats_to(wanted: Any, given: Any) -> bool:
    if given.ndims is None:
        return True
    try:
        return broadcast_static_shape(given, wanted).is_compatible_with(wanted)
    except ValueError:
        return False


def _assigned(variable: _core.Variable, key: tuple[Any, ...], shape: list[int],
              new: _core.Tensor) -> _core.Tensor:
    """The variable's value after the assignment to its part, of this shape."""
    wide = _core._broadcast_to(new, shape, None)
    if variable.shape.ndims == 0:
        return assign(variable, _core.reshape(wide, []))
    count, *rest = variable.shape.as_list()
    first, *others = _for_each(key, 1 + len(rest))
    if isinstance(first, slice):
        numbers, inside = range(*first.indices(count)), _ALL
    else:
        number = first.__index__() % count
        numbers, inside = range(number, number + 1), 0
    rows, dims = _whole_numbers(numbers), [len(numbers), *rest]
    if all(k == _ALL for k in others):
        return scatter_update(variable, rows, _core.reshape(wide, dims))
    places = getitem(_core.reshape(_whole_numbers(range(math.prod(dims))), dims), (inside, *others))
    before = _core._gather(variable, rows, None)
    return scatter_update(variable, rows, _replaced(before, dims, places, wide))


def _for_each(key: tuple[Any, ...], dims: int) -> list[Any]:
    """The key's entry for each dimension. A new axis leaves the elements in their order."""
    entries = [k for k in key if k is not None]
    at = next((i for i, k in enumerate(entries) if k is Ellipsis), len(entries))
    after = entries[at + 1:]
    return entries[:at] + [_ALL] * (dims - at - len(after)) + after


def _whole_numbers(numbers: range) -> _core.Tensor:
    parts = (numbers.start, numbers.start + len(numbers) * numbers.step, numbers.step)
    return _core._range(*(_core._constant(n, "int32", None) for n in parts), None)


def _replaced(x: _core.Tensor, dims: list[int], places: _core.Tensor,
              new: _core.Tensor) -> _core.Tensor:
    """x, of these dimensions, with new elements at places that are counted through all of them."""
    at, flat, size = _core.reshape(places, [-1, 1]), _core.reshape(new, [-1]), [math.prod(dims)]
    ones = _core.cast(_core.ones_like(flat), "int32")
    there = _core.reshape(_core.greater(_core.scatter_nd(at, ones, size), 0), dims)
    return _core._where(there, _core.reshape(_core.scatter_nd(at, flat, size), dims), x, None)


_core.Variable.__getitem__ = part_of_variable
_core.Tensor.assign = property(_assign_of, doc=_assign_of.__doc__)
