"""Assigning to a part of a variable: v[0].assign(x), v[:, 1].assign(x), tf.assign(v[2:], x)."""

from __future__ import annotations

from typing import Any

from varscope import _core, graph_data
from varscope.collections_ import global_variables, local_variables
from varscope.indexing import getitem
from varscope.numbers_ import is_symbolic
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope
from varscope.variables import assign

_NO_PART = ("'Tensor' object has no attribute 'assign': only a variable, or a part of one such as "
            "v[0], can be assigned to")


def part_of_variable(self: _core.Variable, key: Any) -> _core.Tensor:
    """Returns the part of a variable, which can be assigned to."""
    made = getitem(self, key)
    keys = key if isinstance(key, tuple) else (key,)
    if not any(is_symbolic(part) for k in keys for part in _parts(k)):
        graph_data.of(made.graph).parts[made.name] = (self.name, key)
    return made


def _parts(key: Any) -> tuple[Any, ...]:
    return (key.start, key.stop, key.step) if isinstance(key, slice) else (key,)


def assign_part(self: _core.Tensor, value: Any, use_locking: bool = False, name: str | None = None,
                read_value: bool = True) -> Any:
    """Returns the variable's value after a run has replaced the part: by one number, or by a value that
    repeats to the part's shape. AttributeError for what is no part of a variable."""
    found = graph_data.of(self.graph).parts.get(self.name)
    if found is None:
        raise AttributeError(_NO_PART)
    of, key = found
    variable = next(v for v in [*global_variables(), *local_variables()] if v.name == of)
    with name_scope(name, "strided_slice_assign"):
        dims, count = variable.shape.as_list(), variable.shape.num_elements()
        places = getitem(_core.reshape(_core._constant(list(range(count)), "int32", None), dims), key)
        new = convert_to_tensor(value, variable.dtype)
        if not places.shape.is_compatible_with(new.shape) and new.shape.ndims != 0:
            raise ValueError(f"Cannot assign a value of shape {new.shape} to a part of shape "
                             f"{places.shape} of variable {variable.name}")
        at = _core.reshape(places, [-1, 1])
        flat = _core.reshape(_core._broadcast_to(new, _core.shape(places), None), [-1])
        ones = _core.cast(_core.ones_like(flat), "int32")
        there = _core.reshape(_core.greater(_core.scatter_nd(at, ones, [count]), 0), dims)
        whole = _core.reshape(_core.scatter_nd(at, flat, [count]), dims)
        done = assign(variable, _core._where(there, whole, variable.value(), None))
        return done if read_value else done.op


_core.Variable.__getitem__ = part_of_variable
_core.Tensor.assign = assign_part
