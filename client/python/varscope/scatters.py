"""Changes of some places: of variables, tf.scatter_mul and its like and tf.scatter_nd_update, and of
tensors, tf.tensor_scatter_update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope


def _rows(default: str, change: Callable[[Any, Any], Any]) -> Callable[..., _core.Tensor]:
    """A function that replaces rows by what `change` makes of them and the updates. No row may be
    there twice."""

    def scatter(ref: Any, indices: Any, updates: Any, use_locking: bool = False,
                name: str | None = None) -> _core.Tensor:
        with name_scope(name, default) as scope:
            rows = _core._gather(ref, indices, None)
            return _core.scatter_update(ref, indices, change(rows, updates), scope)

    scatter.__name__ = scatter.__qualname__ = default
    return scatter


scatter_mul = _rows("scatter_mul", _core.multiply)
scatter_div = _rows("scatter_div", _core.divide)
scatter_max = _rows("scatter_max", _core.maximum)
scatter_min = _rows("scatter_min", _core.minimum)


def tensor_scatter_add(tensor: Any, indices: Any, updates: Any,
                       name: str | None = None) -> _core.Tensor:
    """Returns the tensor, to which the updates are added where indices say."""
    with name_scope(name, "TensorScatterAdd", [tensor]) as scope:
        tensor = convert_to_tensor(tensor)
        updates = convert_to_tensor(updates, tensor.dtype)
        return _core.add(tensor, _core.scatter_nd(indices, updates, _core.shape(tensor)), scope)


def tensor_scatter_sub(tensor: Any, indices: Any, updates: Any,
                       name: str | None = None) -> _core.Tensor:
    """Returns the tensor, from which the updates are taken where indices say."""
    with name_scope(name, "TensorScatterSub", [tensor]) as scope:
        tensor = convert_to_tensor(tensor)
        updates = convert_to_tensor(updates, tensor.dtype)
        return _core.subtract(tensor, _core.scatter_nd(indices, updates, _core.shape(tensor)),
                              scope)


def tensor_scatter_update(tensor: Any, indices: Any, updates: Any,
                          name: str | None = None) -> _core.Tensor:
    """Returns the tensor with the updates where indices say. No place may be there twice."""
    with name_scope(name, "TensorScatterUpdate", [tensor]) as scope:
        tensor = convert_to_tensor(tensor)
        updates, shape = convert_to_tensor(updates, tensor.dtype), _core.shape(tensor)
        ones = _core.cast(_core.ones_like(updates), "int32")
        there = _core.greater(_core.scatter_nd(indices, ones, shape), 0)
        return _core._where(there, _core.scatter_nd(indices, updates, shape), tensor, scope)


def _assigned(ref: Any, made: Any, name: str | None) -> Any:
    return _core.assign(ref, made, name)


def scatter_nd_update(ref: Any, indices: Any, updates: Any, use_locking: bool = True,
                      name: str | None = None) -> Any:
    """Assigns the updates where indices say, and returns the variable's value then."""
    return _assigned(ref, tensor_scatter_update(ref, indices, updates), name)


def scatter_nd_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False,
                   name: str | None = None) -> Any:
    """Adds the updates where indices say, and returns the variable's value then."""
    return _core.assign_add(ref, _core.scatter_nd(indices, updates, _core.shape(ref)), name)


def scatter_nd_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False,
                   name: str | None = None) -> Any:
    """Takes the updates away where indices say, and returns the variable's value then."""
    return _core.assign_sub(ref, _core.scatter_nd(indices, updates, _core.shape(ref)), name)
