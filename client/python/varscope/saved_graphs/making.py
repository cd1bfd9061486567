"""A graph from what describe() says of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from varscope import _core, graph_data
from varscope.counting import Default
from varscope.feeders import feed_from
from varscope.saved_graphs.steps import OptimizerSteps
from varscope.saved_graphs.values import value_of
from varscope.scopes import AUTO_REUSE, control_dependencies, name_scope, reuse_code
from varscope.shapes import TensorShape

# What an op says of the body that it is in, and of those that it carries out.
_NO_BODY = 0


class Maker:
    """Adds a described graph's ops to the default graph, which has none of their names: 'scope/',
    which may be empty, and the name there. `given` are tensors in place of the graph's own. Unless it
    `trains` no variable is trained."""

    def __init__(self, description: dict[str, Any], scope: str = "",
                 given: Mapping[str, _core.Tensor] | None = None, trains: bool = True) -> None:
        self._said = description
        self._scope = scope
        self._given = dict(given or {})
        self._trains = trains
        self._ops = {op["name"]: op for op in description["ops"]}
        self._graph = _core.get_default_graph()
        self._variables: dict[str, _core.Variable] = {}
        self._bodies: dict[int, Any] = {}
        self._steps = OptimizerSteps(description["ops"], scope)
        self._waiting: list[dict[str, Any]] = []  # reads of slots that no step has made yet
        # Numbers that optimizers' steps make ops of by themselves.
        self._numbers = {name: value_of(self._ops[name]["attributes"]["value"])
                         for op in description["ops"] if op["apply"] is not None
                         for name in self._hyperparameters(op) if self._is_number(name, op)}

    def make(self) -> dict[str, _core.Variable]:
        """Adds all; returns the variables by their names in the description. ValueError where a name is
        taken."""
        taken = [name for name in self._ops if self._has(name)]
        if taken:
            raise ValueError("varscope imports a graph where there are no ops of its names; "
                             f"'{self._scope}{taken[0]}' is there")
        with control_dependencies(None), name_scope(None):
            for op in self._said["ops"]:
                self._add(op)
            self._take_names()
        for number in self._bodies:
            self._fill(number)
        for name, variable in self._variables.items():
            for read in self._said["variables"][name]["reads"]:
                _core._add_ordered_read(variable, self.tensor(read))
        self._keep()
        return self._variables

    def _take_names(self) -> None:
        """Lets ops and scopes that are made later have other names."""
        every = [name.split("/") for name in self._ops]
        names = {"/".join(parts[:count]) for parts in every for count in range(1, len(parts) + 1)}
        for name in sorted(names - set(self._variables)):
            self._graph.unique_name(self._scope + name)

    def _has(self, name: str) -> bool:
        try:
            self._graph._operation(self._scope + name)
        except ValueError:
            return False
        return True

    def tensor(self, name: str) -> _core.Tensor:
        """Returns the tensor that was called so."""
        return self._given[name] if name in self._given else self._graph._tensor(
            self._scope + name)

    def operation(self, name: str) -> _core.Operation:
        """Returns the op that was called so."""
        return self._graph._operation(self._scope + name)

    def _operations(self, names: list[str]) -> list[_core.Operation]:
        return [self.operation(name) for name in names]

    def _add(self, op: dict[str, Any]) -> None:
        if op["name"] in self._numbers or self._has(op["name"]):
            return  # made with its variable, or with its optimizer's step
        if self._steps.makes(op["variable"]) and op["variable"] not in self._variables:
            self._waiting += [op] if op["type"] != "VarHandleOp" else []
        elif op["type"] == "VarHandleOp":
            self._variables[op["name"]] = self._variable(op["name"])
        elif op["apply"] is not None:
            self._apply(op)
        else:
            for number in op["bodies"]:
                self._fill(number)
            _core._add_op(
                self._scope + op["name"], op["type"], [self.tensor(x) for x in op["inputs"]],
                self._operations(op["control_inputs"]),
                {key: value_of(x) for key, x in op["attributes"].items()},
                [(_core.as_dtype(dtype), TensorShape(dims)) for dtype, dims in op["outputs"]],
                None if op["variable"] is None else self._variables[op["variable"]],
                [self._variables[name] for name in op["initializes"]],
                None if op["body"] == _NO_BODY else self._body(op["body"]),
                [self._body(number) for number in op["bodies"]])

    def _variable(self, name: str) -> _core.Variable:
        said = self._said["variables"][name]
        if said["initial_tensor"] is not None:
            first = self.tensor(said["initial_tensor"])
        elif said["initial_value"] is not None:
            first = value_of(said["initial_value"])
        else:  # the server's own: what restores the graph gives the value
            first = np.zeros(said["shape"], _core.as_dtype(said["dtype"]).as_numpy_dtype)
        trains = said["trainable"] and self._trains
        if self._scope or _core.get_variable_scope().name:
            return _core.Variable(first, trainable=trains, name=self._scope + name,
                                  dtype=said["dtype"])
        # The store's variable of this name, where there is one.
        return _core.get_variable(name, None, said["dtype"], first, None, trains, None, None,
                                  reuse_code(AUTO_REUSE))

    def _body(self, number: int) -> Any:
        if number not in self._bodies:
            parent = self._said["bodies"][str(number)]["parent"]
            self._bodies[number] = _core._add_body(
                None if parent == _NO_BODY else self._body(parent))
        return self._bodies[number]

    def _fill(self, number: int) -> None:
        """Tells a body what it has, as far as that is there."""
        said = self._said["bodies"][str(number)]
        _core._fill_body(self._body(number), {
            "args": self._there(said["args"]),
            "results": [self._perhaps(x) for x in said["results"]],
            "captures": [self.tensor(x) for x in said["captures"]],
            "waits_for": self._there(said["waits_for"]),
            "effects": self._there(said["effects"]),
            "outer_control": [self._there(names) for names in said["outer_control"]],
            "empty_list": self._perhaps(said["empty_list"]), "zero": self._perhaps(said["zero"]),
            "kept": [(self.tensor(x), place) for x, place in said["kept"]
                     if self._perhaps(x) is not None],
            "counter": said["counter"]})

    def _there(self, names: list[str]) -> list[_core.Operation]:
        return self._operations([name for name in names if self._has(name)])

    def _perhaps(self, name: str | None) -> _core.Tensor | None:
        if name is None or not self._has(name.rpartition(":")[0]):
            return None
        return self.tensor(name)

    def _hyperparameters(self, op: dict[str, Any]) -> list[str]:
        """The names of the ops that give a step's hyperparameters."""
        count = len(op["apply"]["hyperparameters"])
        return [name.rpartition(":")[0] for name in op["inputs"][:count]]

    def _is_number(self, name: str, op: dict[str, Any]) -> bool:
        scope = op["name"].rpartition("/")[0] + "/"
        return self._ops[name]["type"] == "Const" and name.startswith(scope)

    def _apply(self, op: dict[str, Any]) -> None:
        """An optimizer's step, with what counts it."""
        said, scope = op["apply"], op["name"].rpartition("/")[0]
        names = self._hyperparameters(op)
        values = {key: float(self._numbers[name]) if name in self._numbers else
                  self.tensor(name + ":0") for key, name in zip(said["hyperparameters"], names)}
        inputs = iter([self.tensor(x) for x in op["inputs"][len(names):]])
        pairs = []
        for name, sparse in said["updates"]:
            gradient: Any = next(inputs)
            if sparse:
                from varscope.slices import IndexedSlices
                gradient = IndexedSlices(gradient, next(inputs))
            pairs.append((gradient, self._variables[name]))
        counted = self._ops.get(scope + "/AssignAdd", {}).get("variable")
        with control_dependencies(self._operations(op["control_inputs"])):
            self._variables.update(self._steps.add(
                said, values, pairs, self._variables.get(counted), f"{self._scope}{scope}/"))
        waiting, self._waiting = self._waiting, []
        for read in waiting:
            self._add(read)

    def collect(self) -> None:
        """Fills the collections as they were, and sets the seed."""
        for key, items in self._said["collections"].items():
            for kind, name in items:
                item = {"variable": self._variables.get, "tensor": self.tensor,
                        "op": self.operation}[kind](name)
                if item not in _core.get_collection(key):
                    _core.add_to_collection(key, item)
        own = graph_data.of(self._graph)
        own.seed, own.seeds_given = self._said["seed"], self._said["seeds_given"]

    def _keep(self) -> None:
        """Tells Python's own part of the graph what belongs to its ops."""
        own = graph_data.of(self._graph)
        for name, value in self._said["defaults"].items():
            if name + ":0" in self._given:
                continue
            feed_from(Default(value_of(value)), 0, self.tensor(name + ":0"))
        own.assertions.update({self._scope + name: text
                               for name, text in self._said["assertions"].items()})
