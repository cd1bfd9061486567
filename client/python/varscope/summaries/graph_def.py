"""A graph as the message that TensorBoard shows."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.summaries import wire

# The numbers of TensorFlow's types.
_TYPES = {"float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int16": 5, "int8": 6, "int64": 9,
          "bool": 10, "bfloat16": 14, "uint16": 17, "float16": 19, "uint32": 22, "uint64": 23}


class NodeDef:
    """One op of a graph."""

    def __init__(self, op: _core.Operation) -> None:
        self.name = op.name
        self.op = op.type
        self.device = ""
        self.input = [_edge(tensor) for tensor in op.inputs]
        self.input += ["^" + before.name for before in op.control_inputs]
        self.attr = _core._attributes_of(op)
        self._outputs = op.outputs

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        parts = [wire.message(1, self.name), wire.message(2, self.op)]
        parts += [wire.message(3, name) for name in self.input]
        attributes = {name: _attribute(value) for name, value in self.attr.items()}
        if self._outputs:
            attributes["_output_shapes"] = _shapes(self._outputs)
            attributes.setdefault("dtype", _attribute(self._outputs[0].dtype))
        for name, content in attributes.items():
            parts.append(wire.message(5, wire.message(1, name) + wire.message(2, content)))
        return b"".join(parts)


class GraphDef:
    """All ops of a graph, as they are now."""

    def __init__(self, graph: _core.Graph | None = None) -> None:
        self.node = [] if graph is None else [NodeDef(op) for op in graph.get_operations()]

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        nodes = b"".join(wire.message(1, node.SerializeToString()) for node in self.node)
        return nodes + wire.message(4, wire.integer(1, 27))


def _edge(tensor: _core.Tensor) -> str:
    return tensor.op.name if tensor.value_index == 0 else tensor.name


def _attribute(value: Any) -> bytes:
    if isinstance(value, _core.DType):
        return wire.integer(6, _TYPES[value.name])
    if isinstance(value, bool):
        return wire.integer(5, value)
    if isinstance(value, int):
        return wire.integer(3, value)
    if isinstance(value, float):
        return wire.float32(4, value)
    if isinstance(value, str):
        return wire.message(2, value)
    return wire.message(1, wire.message(3, b"".join(wire.varint(n) for n in value)))


def _shapes(outputs: list[_core.Tensor]) -> bytes:
    return wire.message(1, b"".join(wire.message(7, _shape(x)) for x in outputs))


def _shape(tensor: _core.Tensor) -> bytes:
    if tensor._dims is None:
        return wire.integer(3, 1)
    return b"".join(wire.message(2, wire.integer(1, n)) for n in tensor._dims)
