"""get_variable, and what Python adds to variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from varscope import (_core, collections_, constraints, control_flow, creators, scope_defaults, seeds,
                      shapes, slots)
from varscope import initializers as initializers_lib
from varscope.errors import InvalidArgumentError
from varscope.getters import asked, getter_of, result
from varscope.nonfinite import assigned, may_be_nonfinite
from varscope.ops import group
from varscope.scopes import control_dependencies, refuse, reuse_code
from varscope.strings import variables as string_variables
from varscope.synchronization import (VariableAggregation, VariableSynchronization,
                                      trainable_by)


def get_variable(name: str, shape: Any = None, dtype: Any = None, initializer: Any = None,
                 regularizer: Callable | None = None, trainable: bool | None = None,
                 collections: Iterable[str] | None = None, caching_device: None = None,
                 partitioner: Callable | None = None, validate_shape: bool = True,
                 use_resource: bool | None = None, custom_getter: Callable | None = None,
                 constraint: Callable | None = None,
                 synchronization: VariableSynchronization = VariableSynchronization.AUTO,
                 aggregation: VariableAggregation = VariableAggregation.NONE, *,
                 reuse: Any = None) -> _core.Variable:
    """Returns the variable '<current variable scope>/<name>': one that exists, or a new one, as the
    scope's reuse says.

    Custom getters are told the synchronization and the aggregation; of these ON_READ alone means
    something, that the variable is not trained. A constraint is applied after each update.

    What is None has the scope's value, `reuse` too, which TensorFlow has in scopes alone. Raises
    ValueError where TensorFlow does; when two definitions collide, with both and their source lines.
    """
    refuse("get_variable", caching_device=caching_device)
    if not isinstance(name, str):
        raise TypeError(f"get_variable: the name must be a string, not {name!r}")
    scope = _core.get_variable_scope()
    full_name = f"{scope.name}/{name}" if scope.name else name
    if string_variables.is_of_strings(dtype, initializer):
        return string_variables.get_variable(full_name, shape, initializer, reuse)

    def make(**changed: Any) -> Any:
        """What the last creator does: the variable is new, or there is no creator."""
        if changed.pop("name") != full_name:
            raise NotImplementedError("get_variable: varscope has no creators that change the name")
        for key in ("caching_device", "validate_shape", "use_resource"):
            changed.pop(key)
        initial = changed.pop("initial_value")
        return _get(name, full_name, regularizer=regularizer, partitioner=partitioner,
                    custom_getter=custom_getter, reuse=reuse, initializer=initial, **changed)

    defaults = scope_defaults.of_scope(scope)
    given = dict(
        name=full_name, initial_value=initializer, shape=shape, dtype=dtype, trainable=trainable,
        collections=collections, caching_device=caching_device, validate_shape=validate_shape,
        use_resource=use_resource, synchronization=synchronization, aggregation=aggregation,
        constraint=defaults.constraint if constraint is None else constraint)
    if creators.are_open() and _is_new(full_name) and not _reuses(reuse):
        return creators.made(make, **given)
    return make(**given)


def _get(name: str, full_name: str, shape: Any, dtype: Any, initializer: Any, regularizer: Any,
         trainable: bool | None, collections: Iterable[str] | None, partitioner: Any,
         custom_getter: Any, constraint: Any, synchronization: VariableSynchronization,
         aggregation: VariableAggregation, reuse: Any) -> Any:
    """Asks the client for the variable."""
    dims = None if shape is None else shapes.TensorShape(shape)
    known = dims.as_list() if dims is not None and dims.is_fully_defined() else None
    wanted = _core.get_variable_scope().dtype if dtype is None else _core.as_dtype(dtype)
    defaults = scope_defaults.of_scope(_core.get_variable_scope())
    regularizer = defaults.regularizer if regularizer is None else regularizer
    partitioner = defaults.partitioner if partitioner is None else partitioner
    custom_getter = defaults.custom_getter if custom_getter is None else custom_getter
    is_new = not _reuses(reuse) and _is_new(full_name)
    if is_new:
        collections_.check_collections(collections)
    # What is split or replaced, or made in the body of a loop or of a condition, is not drawn here.
    draws = is_new and not (partitioner or custom_getter or defaults.has_getter
                            or control_flow.is_inside())
    if initializer is None:
        initializer = defaults.initializer
    if initializer is None and draws and wanted.is_floating and seeds.is_seeded(None):
        initializer = initializers_lib.GlorotUniform()
    if not is_new and initializers_lib.is_function(initializer):
        initializer = None
    if initializer is not None:
        initializer, rest = initializers_lib.of_variable(full_name, initializer, known, wanted,
                                                            draws)
        dims = dims if rest == known else None
    trainable = trainable_by(trainable, synchronization)
    with asked(full_name, synchronization=synchronization, aggregation=aggregation):
        variable = _core.get_variable(name, dims, dtype, initializer, regularizer, trainable,
                                      partitioner, getter_of(custom_getter), reuse_code(reuse))
    if collections is not None:
        _new_in_collections(variable, collections)
    constraints.note(variable, constraint)
    return result(variable)


def _reuses(reuse: Any) -> bool:
    return reuse is True or _core.get_variable_scope().reuse is True


def _is_new(full_name: str) -> bool:
    """Whether the graph has no such variable yet."""
    try:
        _core.get_default_graph()._operation(full_name)
    except ValueError:
        return True
    return False


def _new_in_collections(variable: _core.Variable, collections: Iterable[str]) -> None:
    """A variable that is reused is in its collections already."""
    first = next((key for key in collections if key not in collections_.KEPT), None)
    if first is None or variable not in _core.get_collection(first):
        add_to_collections(variable, collections)


def add_to_collections(variable: _core.Variable, collections: Iterable[str] | None) -> None:
    """Puts a new variable into its collections."""
    collections_.add_variable(variable, collections)


def check_variable_arguments(collections: Iterable[str] | None, **unknown: Any) -> None:
    """What Variable() does with arguments that are TensorFlow's alone."""
    refuse("Variable", **unknown)


def assign(ref: _core.Variable, value: Any, validate_shape: bool | None = None,
           use_locking: bool | None = None, name: str | None = None) -> _core.Tensor:
    """Returns the value after a run has assigned it, to a variable or to a part of one, v[0]."""
    if isinstance(ref, _core.Tensor) and hasattr(ref, "assign"):
        return ref.assign(value, name=name)
    if not isinstance(ref, _core.Variable):
        raise AttributeError(f"{type(ref).__name__!r} object has no attribute 'assign': only a "
                             "variable can be assigned to")
    return assigned(_core.assign(ref, value, name), ref)


def assign_add(ref: _core.Variable, value: Any, use_locking: bool | None = None,
               name: str | None = None) -> _core.Tensor:
    """Returns the value after a run has added to it."""
    return assigned(_core.assign_add(ref, value, name), ref)


def assign_sub(ref: _core.Variable, value: Any, use_locking: bool | None = None,
               name: str | None = None) -> _core.Tensor:
    """Returns the value after a run has subtracted from it."""
    return assigned(_core.assign_sub(ref, value, name), ref)


def scatter_update(ref: _core.Variable, indices: Any, updates: Any, use_locking: bool = True,
                   name: str | None = None) -> _core.Tensor:
    """Returns the value after a run has replaced some rows."""
    return assigned(_core.scatter_update(ref, indices, updates, name), ref)


def scatter_add(ref: _core.Variable, indices: Any, updates: Any, use_locking: bool = False,
                name: str | None = None) -> _core.Tensor:
    """Returns the value after a run has added to some rows."""
    return assigned(_core.scatter_add(ref, indices, updates, name), ref)


def scatter_sub(ref: _core.Variable, indices: Any, updates: Any, use_locking: bool = False,
                name: str | None = None) -> _core.Tensor:
    """Returns the value after a run has subtracted from some rows."""
    return assigned(_core.scatter_sub(ref, indices, updates, name), ref)


def _method(function: Callable) -> Callable:
    def method(self: _core.Variable, value: Any, use_locking: bool = False,
               name: str | None = None, read_value: bool = True) -> Any:
        done = function(self, value, name=name)
        return done if read_value else done.op
    method.__doc__ = function.__doc__
    return method


def _load(self: _core.Variable, value: Any, session: Any = None) -> None:
    """Assigns a value now, also where the graph is finalized. InvalidArgumentError for NaN and
    infinities where a run may not assign them either."""
    from varscope.session import session_for
    opened = session_for("load()", session)
    if self.is_partitioned:
        opened.run(assign(self, value))
        return
    if not may_be_nonfinite(self) and not np.isfinite(_as(self.dtype, value)).all():
        raise InvalidArgumentError(None, None, f"load(): the value for variable {self.name} has "
                                   "elements that are NaN or infinite, which the server refuses")
    getattr(opened, "raw_session", lambda: opened)().core.load(self, value)


def _as(dtype: _core.DType, value: Any) -> np.ndarray:
    """A value as a variable of this dtype would have it, where one too large is infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(value, dtype.as_numpy_dtype)


def _parts(self: _core.Variable) -> Iterator[_core.Variable]:
    if not self.is_partitioned:
        raise TypeError("'Variable' object is not iterable.")
    return iter(self.parts)


def variables_initializer(var_list: Iterable[_core.Variable],
                          name: str = "init") -> _core.Operation:
    """Returns an op that gives these variables their first values, where they have none yet. Where all are
    slots of optimizers it gives them those again."""
    listed = list(var_list)
    if not listed or not all(map(slots.is_slot, listed)):
        return _core._initializer_of(listed, name)
    with control_dependencies([_core._initializer_of(listed, f"{name}_first")]):
        return group(*map(slots.reset, listed), name=name)


def _initializer(self: _core.Variable) -> _core.Operation:
    """An op that gives it its first value: where it has none yet, and a slot of an optimizer again."""
    with self.graph.as_default():
        return variables_initializer([self], self.op.name + "/Assign")


def _initial_value(self: _core.Variable) -> Any:
    """The tensor or the array that it starts as; None where the server computes it."""
    return slots.first_value(self) if slots.is_slot(self) else _core._initial_value_of(self)


def _initialized_value(self: _core.Variable) -> _core.Tensor:
    """Its value, for another variable to start as."""
    initial = _initial_value(self)
    return self.value() if initial is None else _core._convert_to_tensor(initial, None, None)


def _device(self: Any) -> str:
    """Where it is: the store, or the program. TensorFlow's devices are names alone."""
    return ""


def _scatter(function: Any, name: str) -> Any:
    """A method that changes the rows of IndexedSlices."""

    def method(self: _core.Variable, sparse_delta: Any, use_locking: bool = False,
               name: str | None = None) -> Any:
        return function(self, sparse_delta.indices, sparse_delta.values, name=name)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = function.__doc__
    return method


def _read_value(self: _core.Variable) -> _core.Tensor:
    """Returns what the variable is where this is called: after what control_dependencies wait for."""
    return _core.identity(self.value(), "read")


_core.Variable.scatter_add = _scatter(scatter_add, "scatter_add")
_core.Variable.scatter_sub = _scatter(scatter_sub, "scatter_sub")
_core.Variable.scatter_update = _scatter(scatter_update, "scatter_update")
_core.Variable.assign = _method(assign)
_core.Variable.assign_add = _method(assign_add)
_core.Variable.assign_sub = _method(assign_sub)
_core.Variable.read_value = _read_value
_core.Variable.as_tensor = _core.Variable.value
_core.Variable.load = _load
_core.Variable.__iter__ = _parts
_core.Variable.initializer = property(_initializer, doc=_initializer.__doc__)
_core.Variable.initial_value = property(_initial_value, doc=_initial_value.__doc__)
_core.Variable.initialized_value = _initialized_value
for _class in (_core.Variable, _core.Tensor, _core.Operation):
    _class.device = property(_device, doc=_device.__doc__)
