"""Which layer made a tensor, and from which tensors: what a model is built from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from varscope import _core, graph_data
from varscope.layers.nested import nest


class Node(NamedTuple):
    """One call of a layer. Tensors are names: objects of them would keep the graph alive."""

    layer: Any
    inputs: Any  # names, in the structure of the call
    keywords: dict[str, Any]
    outputs: Any


def note(layer: Any, inputs: Any, keywords: dict[str, Any], outputs: Any) -> None:
    """Notes a call of a layer."""
    node = Node(layer, names(inputs), keywords, names(outputs))
    known = graph_data.of_default().keras_nodes
    for tensor in tensors_of(outputs):
        known.setdefault(tensor.name, node)


def names(structure: Any) -> Any:
    """Returns a structure with the names of its tensors."""
    return nest.map_structure(lambda x: x.name if isinstance(x, _core.Tensor) else x, structure)


def name_of_input() -> str:
    """Returns the name of the next input that has none: 'input_1', 'input_2'."""
    every = graph_data.of_default().keras_nodes.values()
    return f"input_{sum(node.inputs == [] for node in every) + 1}"


def tensors_of(structure: Any) -> list[_core.Tensor]:
    """Returns the tensors of a structure."""
    return [x for x in nest.flatten(structure) if isinstance(x, _core.Tensor)]


def of(graph: _core.Graph, name: str) -> Node | None:
    """Returns the call that made a tensor; None when no layer did."""
    return graph_data.of(graph).keras_nodes.get(name)


def layers_between(inputs: list[_core.Tensor], outputs: list[_core.Tensor]) -> list[Any]:
    """Returns the layers that make the outputs of the inputs, each before those that need it.
    ValueError when an output needs a placeholder that is no input."""
    graph = outputs[0].graph
    found: list[Any] = []
    seen: set[str] = set()
    given = {x.name for x in inputs}

    def visit(tensor: _core.Tensor) -> None:
        if tensor.name in seen:
            return
        seen.add(tensor.name)
        node = of(graph, tensor.name)
        if tensor.name in given:
            if node is not None and node.layer not in found and node.inputs == []:
                found.append(node.layer)
            return
        if tensor.op.type == "Placeholder" and (node is None or node.inputs == []):
            raise ValueError(f"Graph disconnected: cannot obtain value for tensor {tensor}. "
                             "Give it to Model as one of its inputs.")
        if node is None:
            for needed in tensor.op.inputs:
                visit(needed)
            return
        for name in nest.flatten(node.inputs):
            if isinstance(name, str):
                visit(graph._tensor(name))
        if node.layer not in found:
            found.append(node.layer)

    for output in outputs:
        visit(output)
    return found


def again(outputs: Any, given: Mapping[str, Any], graph: _core.Graph,
          training: Any = None) -> Any:
    """Returns what the layers behind the outputs make of other inputs, given by the names of the
    first ones. ValueError where something else than a layer made a tensor."""
    made = dict(given)

    def value(name: Any) -> Any:
        if not isinstance(name, str):
            return name
        if name not in made:
            node = of(graph, name)
            if node is None:
                raise ValueError(f"The tensor {name} was made by no layer: a model that is called "
                                 "again needs a layer there, such as Lambda.")
            keywords = dict(node.keywords)
            if training is not None and node.layer.takes_training:
                keywords["training"] = training
            results = node.layer(nest.map_structure(value, node.inputs), **keywords)
            made.update(zip(nest.flatten(node.outputs), nest.flatten(results)))
        return made[name]

    return nest.map_structure(value, names(outputs))
