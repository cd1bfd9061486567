"""slim.model_analyzer: how large a model is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from varscope import _core


def analyze_vars(variables: Iterable[_core.Variable], print_info: bool = False) -> tuple[int, int]:
    """Returns the number of elements and of bytes of these variables; prints each if asked to."""
    elements = size = 0
    if print_info:
        print("---------\nVariables: name (type shape) [size]\n---------")
    for variable in variables:
        count = variable.shape.num_elements()
        elements += count
        size += count * variable.dtype.size
        if print_info:
            dims = "x".join(map(str, variable.shape.as_list()))
            print(f"{variable.name} ({variable.dtype.name}_ref {dims}) "
                  f"[{count}, bytes: {count * variable.dtype.size}]")
    if print_info:
        print(f"Total size of variables: {elements}\nTotal bytes of variables: {size}")
    return elements, size


def analyze_ops(graph: _core.Graph, print_info: bool = False) -> int:
    """Returns the number of elements of all outputs whose shapes are known."""
    total = 0
    for op in graph.get_operations():
        sizes: list[Any] = [output.shape.num_elements() or 0 for output in op.outputs]
        total += sum(sizes)
        if print_info:
            print(op.name, sizes)
    return total
