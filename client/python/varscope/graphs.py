"""What Python adds to graphs and their ops."""

from __future__ import annotations

import atexit
import threading
import weakref
from typing import Any

from varscope import _core, collections_, devices, graph_data, scopes, shapes
from varscope.summaries.graph_def import GraphDef

Graph = _core.Graph


def reset_default_graph() -> None:
    """Replaces the process's default graph by a new, empty one."""
    _core.reset_default_graph()


def _leave() -> None:
    """The program ends: the default graph's worker tells its server, and nobody waits for it. A server that does
    not answer, or a definition that Ctrl-C has left under way, delays the end by no more than a second.

    Graphs that variables of the program are in live on until Python frees these.
    """
    leaving = threading.Thread(target=_core.reset_default_graph, daemon=True)
    leaving.start()
    leaving.join(1.0)


atexit.register(_leave)


def the_object(graph: Graph) -> Graph:
    """Returns the one object that stands for a graph, as long as a program has it: `is` compares
    graphs."""
    own = graph_data.of(graph)
    known = own.object and own.object()
    if known is None:
        own.object, known = weakref.ref(graph), graph
    return known


def get_default_graph() -> Graph:
    """Returns the graph that the thread's ops go to."""
    return the_object(_core.get_default_graph())


def _as_default(self: Graph) -> scopes.default_graph:
    """Makes it the graph that the thread's ops go to, in a `with` block."""
    return scopes.default_graph(the_object(self))


_own_graph_of = {cls: cls.graph.fget for cls in (_core.Operation, _core.Tensor, _core.Variable)}


def _graph(self: Any) -> Graph:
    """The graph that it is in."""
    return the_object(_own_graph_of[type(self)](self))


def _get_tensor_by_name(self: Graph, name: str) -> _core.Tensor:
    """Returns the tensor 'op:0', of a variable its value. KeyError when there is none, ValueError
    for another form."""
    op_name, colon, _ = _text(name, "Tensor").partition(":")
    if not colon:
        raise ValueError("The name 'x' refers to an Operation, not a Tensor. Tensor names must be "
                         "of the form \"<op_name>:<output_index>\".".replace("'x'", repr(name)))
    try:
        found = self._tensor(name)
        return found if found.op.type != "VarHandleOp" else self._tensor(
            f"{op_name}/read:0")
    except ValueError:
        pass
    raise KeyError(f"The name {name!r} refers to a Tensor which does not exist. "
                   f"The operation, {op_name!r}, does not exist in the graph.")


def _get_operation_by_name(self: Graph, name: str) -> _core.Operation:
    """Returns the op of this name. KeyError when there is none."""
    _text(name, "Operation")
    try:
        return self._operation(name)
    except ValueError:
        pass
    raise KeyError(f"The name {name!r} refers to an Operation not in the graph.")


def _text(name: Any, what: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"{what} names are strings (or similar), not {type(name).__name__}.")
    return name


def _as_graph_element(self: Graph, obj: Any, allow_tensor: bool = True,
                      allow_operation: bool = True) -> Any:
    """Returns the op or tensor that a name, an op, a tensor or a variable stands for."""
    if isinstance(obj, str):
        return self.get_tensor_by_name(obj) if ":" in obj else self.get_operation_by_name(obj)
    if isinstance(obj, _core.Variable):
        obj = obj._unordered_value()
    if isinstance(obj, (_core.Tensor, _core.Operation)):
        if obj.graph != self:
            raise ValueError(f"Tensor {obj!r} is not an element of this graph.")
        return obj
    raise TypeError(f"Can not convert a {type(obj).__name__} into a Tensor or Operation.")


class _ScopeIn:
    """A scope in a graph that is perhaps not the default one."""

    def __init__(self, graph: Graph, scope: Any) -> None:
        self._graph = graph
        self._scope = scope

    def __enter__(self) -> Any:
        with self._graph.as_default():
            return self._scope.__enter__()

    def __exit__(self, *exception: Any) -> None:
        self._scope.__exit__(*exception)


def _name_scope(self: Graph, name: str | None) -> _ScopeIn:
    """tf.name_scope in this graph."""
    return _ScopeIn(self, scopes.name_scope(name))


def _control_dependencies(self: Graph, control_inputs: Any) -> _ScopeIn:
    """tf.control_dependencies in this graph."""
    return _ScopeIn(self, scopes.control_dependencies(control_inputs))


def _get_collection(self: Graph, key: str, scope: str | None = None) -> list[Any]:
    """tf.get_collection of this graph."""
    with self.as_default():
        return collections_.get_collection(key, scope)


def _add_to_collection(self: Graph, name: str, value: Any) -> None:
    """tf.add_to_collection of this graph."""
    with self.as_default():
        collections_.add_to_collection(name, value)


def _get_all_collection_keys(self: Graph) -> list[str]:
    """Returns the names of the collections that have items."""
    with self.as_default():
        own = graph_data.of(self).objects
        return sorted({*_core.get_all_collection_keys(), *(key for key in own if own[key])})


def _get_collection_ref(self: Graph, name: str) -> list[Any]:
    """tf.get_collection_ref of this graph."""
    with self.as_default():
        return collections_.get_collection_ref(name)


def _add_to_collections(self: Graph, names: Any, value: Any) -> None:
    """tf.add_to_collections of this graph."""
    with self.as_default():
        collections_.add_to_collections(names, value)


def _version(self: Graph) -> int:
    """How many ops it has."""
    return len(self.get_operations())


def _is_in(self: Graph, tensor_or_op: Any) -> bool:
    """Whether a run may feed it, or fetch it: whether it is in the graph."""
    return getattr(tensor_or_op, "graph", None) is self


def _device(self: Graph, device_name_or_function: Any) -> devices.device:
    """tf.device in this graph."""
    return devices.device(device_name_or_function)


def _as_graph_def(self: Graph, from_version: int | None = None,
                  add_shapes: bool = False) -> GraphDef:
    """Returns the ops as a message, of which tf.import_graph_def makes such ops."""
    from varscope.saved_graphs.describing import description_of
    return GraphDef(self, description_of(self))


def _seed(self: Graph) -> int | None:
    """The seed that set_random_seed() set."""
    return graph_data.of(self).seed


def _set_seed(self: Graph, seed: int | None) -> None:
    graph_data.of(self).seed = seed


Graph.as_default = _as_default
Graph.seed = property(_seed, _set_seed, doc=_seed.__doc__)
Graph.device = _device
Graph.as_graph_def = _as_graph_def
Graph.get_tensor_by_name = _get_tensor_by_name
Graph.get_operation_by_name = _get_operation_by_name
Graph.as_graph_element = _as_graph_element
Graph.name_scope = _name_scope
Graph.control_dependencies = _control_dependencies
Graph.get_collection = _get_collection
Graph.add_to_collection = _add_to_collection
Graph.get_all_collection_keys = _get_all_collection_keys
Graph.collections = property(_get_all_collection_keys, doc=_get_all_collection_keys.__doc__)
Graph.get_collection_ref = _get_collection_ref
Graph.add_to_collections = _add_to_collections
Graph.version = property(_version, doc=_version.__doc__)
Graph.is_feedable = Graph.is_fetchable = _is_in


def _run(self: _core.Operation, feed_dict: Any = None, session: Any = None) -> None:
    """Runs it in the session, or in the default one."""
    from varscope.session import session_for
    session_for("run()", session).run(self, feed_dict)


def _eval(self: Any, feed_dict: Any = None, session: Any = None) -> Any:
    """Returns its value in the session, or in the default one."""
    from varscope.session import session_for
    return session_for("eval()", session).run(self, feed_dict)


def _eval_variable(self: _core.Variable, session: Any = None) -> Any:
    """Returns its value in the session, or in the default one."""
    return _eval(self, None, session)


def _outputs(self: _core.Operation) -> list[_core.Tensor]:
    """The tensors that it computes."""
    found = []
    while True:
        try:
            found.append(self.graph._tensor(f"{self.name}:{len(found)}"))
        except ValueError:
            return found


def _inputs(self: _core.Operation) -> list[_core.Tensor]:
    """The tensors that it computes with."""
    return _core._inputs_of(self)


def _control_inputs(self: _core.Operation) -> list[_core.Operation]:
    """The ops that run before it."""
    return _core._control_inputs_of(self)


def _set_shape(self: _core.Tensor, shape: Any) -> None:
    """Adds what is known of the shape, for the ops that come after. ValueError for what does not
    fit."""
    _core._set_shape(self, shapes.dims_of(shape))


def _consumers(self: _core.Tensor) -> list[_core.Operation]:
    """Returns the ops that compute with it."""
    return [op for op in self.graph.get_operations() if self in op.inputs]


def _text_of_tensor(self: _core.Tensor) -> str:
    """Returns what print() shows."""
    shape = "" if self.shape.ndims is None else f", shape={self.shape}"
    return f'Tensor("{self.name}"{shape}, dtype={self.dtype.name})'


def _repr_of_tensor(self: _core.Tensor) -> str:
    """Returns what a list of tensors shows."""
    return f"<tf.Tensor '{self.name}' shape={self.shape} dtype={self.dtype.name}>"


def _text_of_op(self: _core.Operation) -> str:
    """Returns what print() shows: the op's name and type, and what it reads and waits for."""
    read = [x.name.removesuffix(":0") for x in self.inputs]
    read += ["^" + op.name for op in self.control_inputs]
    return "".join(f'{key}: "{value}"\n' for key, value in [
        ("name", self.name), ("op", self.type), *(("input", name) for name in read)])


for _cls in _own_graph_of:
    _cls.graph = property(_graph, doc=_graph.__doc__)
_core.Tensor.__str__ = _text_of_tensor
_core.Tensor.__repr__ = _repr_of_tensor
_core.Operation.__str__ = _text_of_op
_core.Operation.run = _run
_core.Tensor.set_shape = _set_shape
_core.Tensor.consumers = _consumers
_core.Operation.inputs = property(_inputs, doc=_inputs.__doc__)
_core.Operation.control_inputs = property(_control_inputs, doc=_control_inputs.__doc__)
_core.Operation.outputs = property(_outputs, doc=_outputs.__doc__)
_core.Tensor.eval = _eval
_core.Variable.eval = _eval_variable
