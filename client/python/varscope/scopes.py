"""Scopes: what `with` opens and closes in a graph."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable
from typing import Any

from varscope import _core
from varscope import initializers as initializers_lib
from varscope import scope_defaults
from varscope.collections_ import GraphKeys, get_collection
from varscope.getters import getter_of


class ReuseMode(enum.Enum):
    """How get_variable treats a name that exists, beside True and False."""

    AUTO_REUSE = 1

    def __repr__(self) -> str:
        return "tf.AUTO_REUSE"


AUTO_REUSE = ReuseMode.AUTO_REUSE

_FALSE, _TRUE, _AUTO = 0, 1, 2


def reuse_code(reuse: Any) -> int | None:
    """Returns the client's number of a reuse argument. ValueError for what is none."""
    if reuse is None:
        return None
    if reuse is AUTO_REUSE:
        return _AUTO
    if reuse in (True, False):
        return _TRUE if reuse else _FALSE
    raise ValueError(f"The reuse parameter must be True, False, None or AUTO_REUSE, not {reuse!r}.")


def no_regularizer(_: Any) -> None:
    """The regularizer of a scope whose variables have none, whatever is around it."""


def refuse(function: str, **arguments: Any) -> None:
    """Raises NotImplementedError for an argument that varscope has nothing for."""
    for name, value in arguments.items():
        if value is not None:
            raise NotImplementedError(f"{function}: varscope has no '{name}'")


class _Scope:
    """A scope that is open between __enter__ and __exit__. It can be opened again."""

    def __init__(self) -> None:
        self._tokens: list[_core.ScopeToken] = []

    def _open(self, token: _core.ScopeToken) -> None:
        self._tokens.append(token)

    def __exit__(self, *_: Any) -> None:
        _core.leave(self._tokens.pop())


class default_graph(_Scope):
    """Makes a graph the one that the thread's ops go to. Graph.as_default()."""

    def __init__(self, graph: _core.Graph) -> None:
        super().__init__()
        self._graph = graph

    def __enter__(self) -> _core.Graph:
        self._open(self._graph._enter())
        return self._graph


class name_scope(_Scope):
    """A scope of the names of ops, and of variables that Variable makes.

    `with name_scope(name) as scope` gives the scope's full name, 'x/y/'.
    """

    def __init__(self, name: str | None, default_name: str | None = None,
                 values: Iterable[Any] | None = None) -> None:
        super().__init__()
        if not (name is None or isinstance(name, str)):
            raise TypeError("name for name_scope must be a string.")
        self._name = default_name if name is None else name
        self._values = _graph_of(values)

    def __enter__(self) -> str:
        graph = self._values or _core.get_default_graph()
        with graph.as_default():
            self._open(_core.enter_name_scope(self._name or ""))
            scope = graph.get_name_scope()
        return scope + "/" if scope else ""


def _graph_of(values: Iterable[Any] | None) -> _core.Graph | None:
    """The graph of the first symbolic value. ValueError when there are several."""
    found = None
    for value in values or []:
        graph = getattr(value, "graph", None)
        if not isinstance(graph, _core.Graph):
            continue
        if found is not None and graph != found:
            raise ValueError(f"{value!r} must be from the same graph as the values before it.")
        found = graph
    return found


class variable_scope(_Scope):
    """A scope of variables' names, which says what get_variable does inside it.

    reuse: None inherits, True shares only, AUTO_REUSE shares or creates. With default_name and
    without a name the scope is called that, made unique. A captured scope is entered again.
    """

    def __init__(self, name_or_scope: str | _core.VariableScope | None,
                 default_name: str | None = None, values: Iterable[Any] | None = None,
                 initializer: Any = None, regularizer: Callable | None = None,
                 caching_device: Any = None, partitioner: Callable | None = None,
                 custom_getter: Callable | None = None, reuse: bool | ReuseMode | None = None,
                 dtype: Any = None, use_resource: bool | None = None,
                 constraint: Callable | None = None,
                 auxiliary_name_scope: bool = True) -> None:
        super().__init__()
        if name_or_scope is None and default_name is None:
            raise TypeError("If default_name is None then name_or_scope is required")
        self._graph = _graph_of(values)
        self._arguments = dict(
            name_or_scope=name_or_scope, default_name=default_name,
            reuse=reuse_code(reuse), initializer=initializers_lib.of_scope(initializer),
            regularizer=regularizer, dtype=dtype, partitioner=partitioner,
            custom_getter=getter_of(custom_getter), auxiliary_name_scope=auxiliary_name_scope)
        self._given = dict(
            initializer=initializer, partitioner=partitioner, constraint=constraint,
            has_getter=None if custom_getter is None else True)
        self._graphs: list[default_graph | None] = []

    def __enter__(self) -> _core.VariableScope:
        use = default_graph(self._graph) if self._graph is not None else None
        if use is not None:
            use.__enter__()
        inherited = scope_defaults.inherited(self._arguments["name_or_scope"])
        try:
            self._open(_core.enter_variable_scope(**self._arguments))
        except BaseException:
            if use is not None:
                use.__exit__()
            raise
        self._graphs.append(use)
        scope = _core.get_variable_scope()
        scope_defaults.note(scope, inherited, **self._given)
        return scope

    def __exit__(self, *_: Any) -> None:
        super().__exit__()
        use = self._graphs.pop()
        if use is not None:
            use.__exit__()


class control_dependencies(_Scope):
    """Ops made inside run after these; with None they wait for nothing."""

    def __init__(self, control_inputs: Iterable[Any] | None) -> None:
        super().__init__()
        self._after = None if control_inputs is None else [op_of(x) for x in control_inputs]

    def __enter__(self) -> None:
        self._open(_core.enter_control_dependencies(self._after))


def op_of(x: Any) -> _core.Operation:
    """Returns the op of an op, a tensor or a variable. TypeError for another thing."""
    if isinstance(x, _core.Operation):
        return x
    op = getattr(x, "op", None)
    if isinstance(op, _core.Operation):
        return op
    raise TypeError(f"Expected an op, a tensor or a variable, got {x!r} of type "
                    f"{type(x).__name__}.")


def _reuse(scope: _core.VariableScope) -> bool | ReuseMode:
    return AUTO_REUSE if scope._reuse == _AUTO else scope._reuse == _TRUE


def _below(self: _core.VariableScope, name: str) -> list[Any]:
    """Returns the items of a collection whose names begin with the scope's."""
    return get_collection(name, re.escape(self.name) + "/" if self.name else None)


def _listing(key: str) -> Callable[[_core.VariableScope], list[_core.Variable]]:
    def variables(self: _core.VariableScope) -> list[_core.Variable]:
        return self.get_collection(key)
    variables.__doc__ = f"Returns the scope's variables in the collection '{key}'."
    return variables


def _default(name: str, what: str) -> None:
    """Gives scopes the property `name`, and set_<name>."""

    def get(self: _core.VariableScope) -> Any:
        return getattr(scope_defaults.of_scope(self), name)

    def change(self: _core.VariableScope, value: Any) -> None:
        scope_defaults.change(self, **{name: value})

    change.__name__ = change.__qualname__ = f"set_{name}"
    change.__doc__ = f"From here on the variables that are made in it have another {name}."
    setattr(_core.VariableScope, name, property(get, doc=what))
    setattr(_core.VariableScope, change.__name__, change)


_default("initializer", "How the variables that are made in it begin; None: TensorFlow's default.")
_default("regularizer", "What is added to the losses for each variable; None where a scope was "
                        "opened with it, or there is none.")
_default("partitioner", "What splits the variables that are made in it; None: nothing does.")
_default("custom_getter", "What set_custom_getter gave; None where a scope was opened with one.")
_default("constraint", "What is applied to the variables that are made in it, after each update; "
                       "None: nothing is.")
_core.VariableScope.get_collection = _below
_core.VariableScope.global_variables = _listing(GraphKeys.GLOBAL_VARIABLES)
_core.VariableScope.trainable_variables = _listing(GraphKeys.TRAINABLE_VARIABLES)
_core.VariableScope.local_variables = _listing(GraphKeys.LOCAL_VARIABLES)
_core.VariableScope.reuse = property(
    _reuse, doc="True, False or AUTO_REUSE: what get_variable does in it.")


def _caching_device(self: _core.VariableScope) -> None:
    """Where variables are kept beside their own place: nowhere."""
    return None


def _set_caching_device(self: _core.VariableScope, caching_device: Any) -> None:
    """Changes nothing: a device is a name alone."""


def _set_use_resource(self: _core.VariableScope, use_resource: bool) -> None:
    """Changes nothing: all variables are the store's."""


_core.VariableScope.set_use_resource = _set_use_resource
_core.VariableScope.caching_device = property(_caching_device, doc=_caching_device.__doc__)
_core.VariableScope.set_caching_device = _set_caching_device
