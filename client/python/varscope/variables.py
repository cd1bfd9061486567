"""get_variable, and what Python adds to variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from varscope import _core
from varscope import initializers as initializers_lib
from varscope import shapes
from varscope.collections_ import GraphKeys
from varscope.scopes import refuse, reuse_code

Variable = _core.Variable


def get_variable(name: str, shape: Any = None, dtype: Any = None, initializer: Any = None,
                 regularizer: Callable | None = None, trainable: bool | None = None,
                 collections: Iterable[str] | None = None, caching_device: None = None,
                 partitioner: Callable | None = None, validate_shape: bool = True,
                 use_resource: bool | None = None, custom_getter: Callable | None = None,
                 constraint: None = None, *, reuse: Any = None) -> _core.Variable:
    """Returns the variable '<current variable scope>/<name>': one that exists, or a new one, as the
    scope's reuse says.

    What is None has the scope's value, `reuse` too, which TensorFlow has in scopes alone. Raises
    ValueError where TensorFlow does; when two definitions collide, with both and their source lines.
    """
    refuse("get_variable", caching_device=caching_device, constraint=constraint)
    _check_collections("get_variable", collections)
    dims = None if shape is None else shapes.TensorShape(shape)
    known = dims.as_list() if dims is not None and dims.is_fully_defined() else None
    if initializer is not None:
        wanted = _core.get_variable_scope().dtype if dtype is None else _core.as_dtype(dtype)
        initializer, rest = initializers_lib.of_variable(initializer, known, wanted)
        dims = dims if rest == known else None
    variable = _core.get_variable(name, dims, dtype, initializer, regularizer, trainable,
                                  partitioner, custom_getter, reuse_code(reuse))
    add_to_collections(variable, collections)
    return variable


def _check_collections(function: str, collections: Iterable[str] | None) -> None:
    if collections is not None and GraphKeys.GLOBAL_VARIABLES not in list(collections):
        raise NotImplementedError(
            f"{function}: every variable is one of '{GraphKeys.GLOBAL_VARIABLES}'; "
            f"collections={list(collections)!r} leaves that out")


def add_to_collections(variable: _core.Variable, collections: Iterable[str] | None) -> None:
    """Adds a new variable to those collections that the graph does not keep itself."""
    kept = (GraphKeys.GLOBAL_VARIABLES, GraphKeys.TRAINABLE_VARIABLES)
    for key in collections or []:
        if key not in kept:
            _core.add_to_collection(key, variable)


def check_variable_arguments(collections: Iterable[str] | None, **unknown: Any) -> None:
    """What Variable() does with arguments that are TensorFlow's alone."""
    refuse("Variable", **unknown)
    _check_collections("Variable", collections)


def assign(ref: _core.Variable, value: Any, validate_shape: bool | None = None,
           use_locking: bool | None = None, name: str | None = None) -> _core.Tensor:
    """Returns the value after a run has assigned it."""
    return _core.assign(ref, value, name)


def assign_add(ref: _core.Variable, value: Any, use_locking: bool | None = None,
               name: str | None = None) -> _core.Tensor:
    """Returns the value after a run has added to it."""
    return _core.assign_add(ref, value, name)


def assign_sub(ref: _core.Variable, value: Any, use_locking: bool | None = None,
               name: str | None = None) -> _core.Tensor:
    """Returns the value after a run has subtracted from it."""
    return _core.assign_sub(ref, value, name)


def scatter_update(ref: _core.Variable, indices: Any, updates: Any, use_locking: bool = True,
                   name: str | None = None) -> _core.Tensor:
    """Returns the value after a run has replaced some rows."""
    return _core.scatter_update(ref, indices, updates, name)


def scatter_add(ref: _core.Variable, indices: Any, updates: Any, use_locking: bool = False,
                name: str | None = None) -> _core.Tensor:
    """Returns the value after a run has added to some rows."""
    return _core.scatter_add(ref, indices, updates, name)


def scatter_sub(ref: _core.Variable, indices: Any, updates: Any, use_locking: bool = False,
                name: str | None = None) -> _core.Tensor:
    """Returns the value after a run has subtracted from some rows."""
    return _core.scatter_sub(ref, indices, updates, name)


def _method(function: Callable) -> Callable:
    def method(self: _core.Variable, value: Any, use_locking: bool = False,
               name: str | None = None, read_value: bool = True) -> Any:
        done = function(self, value, name=name)
        return done if read_value else done.op
    method.__doc__ = function.__doc__
    return method


def _load(self: _core.Variable, value: Any, session: Any = None) -> None:
    """Assigns a value now."""
    from varscope.session import session_for
    session_for("load()", session).run(assign(self, value))


def _parts(self: _core.Variable) -> Iterator[_core.Variable]:
    if not self.is_partitioned:
        raise TypeError("'Variable' object is not iterable.")
    return iter(self.parts)


Variable.assign = _method(assign)
Variable.assign_add = _method(assign_add)
Variable.assign_sub = _method(assign_sub)
Variable.read_value = Variable.value
Variable.as_tensor = Variable.value
Variable.load = _load
Variable.__iter__ = _parts
