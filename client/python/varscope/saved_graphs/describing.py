"""A graph as plain values: its ops in order, its variables and its collections."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core, graph_data, slots
from varscope.collections_ import KEPT
from varscope.counting import Default
from varscope.saved_graphs.values import dims_of, plain


def describe(graph: _core.Graph) -> dict[str, Any]:
    """Returns what a graph can be made of again. NotImplementedError for one of which that is not
    so: with a partitioned variable, or with an optimizer's step in a branch of a condition."""
    own = graph_data.of(graph)
    with graph.as_default():
        variables = _core.get_collection("variables")
        collections = {key: [_item(x) for x in _core.get_collection(key)]
                       for key in _core.get_all_collection_keys() if key not in KEPT}
    operations = graph.get_operations()
    bodies, optimizers = _Numbers(), _Numbers()
    return {
        "ops": [_op(op, bodies, optimizers) for op in operations],
        "bodies": dict(body for op in operations for body in _bodies(op, bodies)),
        "variables": {variable.op.name: _variable(variable) for variable in variables},
        "collections": collections,
        "defaults": {name: plain(source.value) for name, (source, _) in own.feeders.items()
                     if isinstance(source, Default)},
        "assertions": own.assertions,
        "seed": own.seed, "seeds_given": own.seeds_given}


def description_of(graph: _core.Graph) -> dict[str, Any] | None:
    """Returns the same, and None for a graph that cannot be made again."""
    try:
        return describe(graph)
    except NotImplementedError:
        return None


class _Numbers:
    """Of what the core tells apart by its address, which another run would not have: numbers from 1 in
    the order in which it appears. 0, which is nothing, stays 0."""

    def __init__(self) -> None:
        self._known = {0: 0}

    def of(self, address: int) -> int:
        """Returns the number that this has from now on."""
        return self._known.setdefault(address, len(self._known))


def _op(op: _core.Operation, bodies: _Numbers, optimizers: _Numbers) -> dict[str, Any]:
    values = _core._describe_op(op)
    values["body"] = bodies.of(values["body"])
    values["bodies"] = [bodies.of(body) for body in values["bodies"]]
    if values["apply"] is not None:
        values["apply"]["number"] = optimizers.of(values["apply"]["number"])
    if values["apply"] is not None and "guarded" in values["attributes"]:
        raise NotImplementedError("varscope does not save a graph with an optimizer's step in a "
                                  f"branch of a condition: {op.name}")
    values["attributes"] = {key: plain(x) for key, x in values["attributes"].items()}
    values["outputs"] = [[dtype.name, dims_of(shape)] for dtype, shape in values["outputs"]]
    return values


def _bodies(op: _core.Operation, numbers: _Numbers) -> list[tuple[str, Any]]:
    return [(str(numbers.of(body)), _body(op, index, numbers))
            for index, body in enumerate(_core._describe_op(op)["bodies"])]


def _body(op: _core.Operation, index: int, numbers: _Numbers) -> dict[str, Any]:
    values = _core._describe_body(op, index)
    return {**values, "parent": numbers.of(values["parent"]), "kept": sorted(values["kept"])}


def _variable(variable: _core.Variable) -> dict[str, Any]:
    if variable.is_partitioned:
        raise NotImplementedError("varscope does not save a graph with a partitioned variable: "
                                  f"{variable.name}")
    first = None if slots.is_slot(variable) else variable.initial_value
    return {"dtype": variable.dtype.name, "shape": variable.shape.as_list(),
            "trainable": variable.trainable, "reads": _core._ordered_reads_of(variable),
            "initial_tensor": first.name if isinstance(first, _core.Tensor) else None,
            "initial_value": plain(first) if isinstance(first, np.ndarray) else None}


def _item(x: Any) -> list[str]:
    if isinstance(x, _core.Variable):
        return ["variable", x.op.name]
    return ["tensor" if isinstance(x, _core.Tensor) else "op", x.name]
