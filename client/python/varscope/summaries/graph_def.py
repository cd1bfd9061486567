"""A graph as the message that TensorBoard shows."""

from __future__ import annotations

import json
import zlib
from typing import Any

from varscope import _core
from varscope.summaries import wire

# The numbers of TensorFlow's types.
_TYPES = {"float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int16": 5, "int8": 6, "int64": 9,
          "bool": 10, "bfloat16": 14, "uint16": 17, "float16": 19, "uint32": 22, "uint64": 23,
          "string": 7}


def number_of_dtype(dtype: Any) -> int:
    """Returns the number that a message has for a dtype."""
    return _TYPES[dtype.name]


def dtype_of_number(number: int) -> Any:
    """Returns the dtype of a number in a message."""
    from varscope.strings.tensors import string
    name = {value: key for key, value in _TYPES.items()}[number]
    return string if name == "string" else _core.as_dtype(name)


class NodeDef:
    """One op of a graph."""

    def __init__(self, op: _core.Operation | None = None) -> None:
        self.name = self.op = self.device = ""
        self.input: list[str] = []
        self.attr: dict[str, Any] = {}
        self._outputs: list[_core.Tensor] = []
        if op is not None:
            self.name, self.op = op.name, op.type
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

    @classmethod
    def FromString(cls, serialized: bytes) -> NodeDef:
        """Returns the op of a message, without its attributes."""
        made = cls()
        for field, content in wire.fields(serialized):
            if field == 1:
                made.name = content.decode()
            elif field == 2:
                made.op = content.decode()
            elif field == 3:
                made.input.append(content.decode())
        return made

    def __str__(self) -> str:
        """Returns the message as text, without its attributes."""
        lines = [f'name: "{self.name}"', f'op: "{self.op}"',
                 *(f'input: "{name}"' for name in self.input)]
        return "\n".join(lines) + "\n"


# The field that has a graph's description: GraphDef itself has none of this number.
_DESCRIPTION = 1000


class GraphDef:
    """All ops of a graph, as they were then; with a description, of which it can be made again."""

    def __init__(self, graph: _core.Graph | None = None, description: Any = None) -> None:
        self.node = [] if graph is None else [NodeDef(op) for op in graph.get_operations()]
        self.description: dict[str, Any] | None = description

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        nodes = b"".join(wire.message(1, node.SerializeToString()) for node in self.node)
        nodes += wire.message(4, wire.integer(1, 27))
        if self.description is None:
            return nodes
        text = zlib.compress(json.dumps(self.description).encode())
        return nodes + wire.message(_DESCRIPTION, text)

    def ParseFromString(self, serialized: bytes) -> int:
        """Takes the graph of a message, and returns its size."""
        self.node, self.description = [], None
        for field, content in wire.fields(serialized):
            if field == 1:
                self.node.append(NodeDef.FromString(content))
            elif field == _DESCRIPTION:
                self.description = json.loads(zlib.decompress(content))
        return len(serialized)

    @classmethod
    def FromString(cls, serialized: bytes) -> GraphDef:
        """Returns the graph of a message."""
        made = cls()
        made.ParseFromString(serialized)
        return made

    def __str__(self) -> str:
        """Returns the message as text, without the ops' attributes."""
        nodes = (str(node).replace("\n", "\n  ").rstrip() for node in self.node)
        return "".join(f"node {{\n  {text}\n}}\n" for text in nodes)


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
