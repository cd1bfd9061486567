"""tf.import_graph_def, and what turns a trained graph into one without variables."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from varscope import _core
from varscope.collections_ import UNLISTED
from varscope.saved_graphs.making import Maker
from varscope.saved_graphs.values import plain
from varscope.scopes import name_scope
from varscope.summaries.graph_def import GraphDef, NodeDef


def import_graph_def(graph_def: GraphDef, input_map: Mapping[str, Any] | None = None,
                     return_elements: Iterable[str] | None = None, name: str | None = None,
                     op_dict: Any = None, producer_op_list: Any = None) -> list[Any] | None:
    """Adds a message's ops to the default graph, below the scope `name`, "import" by default.
    Returns the ops, 'op', and tensors, 'op:0', that return_elements names. Variables among them are
    not trained, and in no list."""
    if not isinstance(graph_def, GraphDef):
        raise TypeError("graph_def must be a GraphDef proto.")
    with name_scope("import" if name is None else name or None) as scope:
        pass
    given = {key if ":" in key else key + ":0": value for key, value in (input_map or {}).items()}
    maker = Maker(_described(graph_def), scope, given, trains=False)
    for variable in maker.make().values():
        _core.add_to_collection(UNLISTED, variable)
    if return_elements is None:
        return None
    return [maker.tensor(element) if ":" in element else maker.operation(element)
            for element in return_elements]


def _described(graph_def: GraphDef) -> dict[str, Any]:
    if graph_def.description is None:
        raise ValueError("varscope imports the GraphDefs that it has written; this is none")
    return graph_def.description


def convert_variables_to_constants(sess: Any, input_graph_def: GraphDef,
                                   output_node_names: Iterable[str],
                                   variable_names_whitelist: Iterable[str] | None = None,
                                   variable_names_blacklist: Iterable[str] | None = None
                                   ) -> GraphDef:
    """Returns what these ops need, with the session's values in place of the variables: of those that
    are named first, if any are, without those that are named second."""
    said = dict(_described(extract_sub_graph(input_graph_def, output_node_names)))
    chosen = set(said["variables"]) - set(variable_names_blacklist or ())
    if variable_names_whitelist is not None:
        chosen &= set(variable_names_whitelist)
    said["ops"] = [_constant(sess, op, chosen) for op in said["ops"]]
    said["variables"] = {name: x for name, x in said["variables"].items() if name not in chosen}
    return _made(said)


def _constant(sess: Any, op: dict[str, Any], chosen: set[str]) -> dict[str, Any]:
    """A variable as a constant, and a read of it as what passes this on."""
    if (op["name"] if op["type"] == "VarHandleOp" else op["variable"]) not in chosen:
        return op
    if op["type"] == "VarHandleOp":
        value = np.asarray(sess.run(op["name"] + ":0"))
        return {**op, "type": "Const", "attributes": {"value": plain(value)}, "variable": None}
    if op["type"] == "ReadVariableOp":
        return {**op, "type": "Identity", "inputs": [op["variable"] + ":0"], "attributes": {},
                "control_inputs": [], "variable": None}
    return op


def extract_sub_graph(graph_def: GraphDef, dest_nodes: Iterable[str]) -> GraphDef:
    """Returns these ops and all that they need."""
    said = _described(graph_def)
    ops = {op["name"]: op for op in said["ops"]}
    inside: dict[int, list[str]] = {}
    for op in said["ops"]:
        inside.setdefault(op["body"], []).append(op["name"])
    left, needed = list(dest_nodes), set()
    for name in left:
        if name not in ops:
            raise AssertionError(f"{name} is not in graph")
    while left:
        name = left.pop()
        if name in needed:
            continue
        needed.add(name)
        op = ops[name]
        left += [x.rpartition(":")[0] for x in op["inputs"]] + op["control_inputs"]
        left += [own for number in op["bodies"] for own in inside.get(number, [])]
        if op["variable"] is not None:
            left.append(op["variable"])
    return _made({**said, "ops": [op for op in said["ops"] if op["name"] in needed],
                  "variables": {name: {**own, "reads": [x for x in own["reads"] if x.rpartition(
                      ":")[0] in needed]} for name, own in said["variables"].items()
                                if name in needed},
                  "defaults": {name: x for name, x in said["defaults"].items() if name in needed}})


def remove_training_nodes(input_graph: GraphDef, protected_nodes: Any = None) -> GraphDef:
    """Returns the graph as it is: what only passes on is no work."""
    return input_graph


def _made(said: dict[str, Any]) -> GraphDef:
    made = GraphDef(None, said)
    for op in said["ops"]:
        node = NodeDef()
        node.name, node.op = op["name"], op["type"]
        node.input = [x.removesuffix(":0") for x in op["inputs"]]
        node.input += ["^" + name for name in op["control_inputs"]]
        made.node.append(node)
    return made


def write_graph(graph_or_graph_def: Any, logdir: str | os.PathLike[str], name: str,
                as_text: bool = True) -> str:
    """Writes a graph, and returns the path. As text it tells of the ops, and cannot be imported."""
    made = graph_or_graph_def
    if isinstance(made, _core.Graph):
        made = made.as_graph_def()
    os.makedirs(logdir, exist_ok=True)
    path = os.path.join(os.fspath(logdir), name)
    content = str(made).encode() if as_text else made.SerializeToString()
    with open(path, "wb") as file:
        file.write(content)
    return path
