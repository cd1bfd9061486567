"""tf.contrib.framework.nest: structures of tuples, lists and dicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class nest:
    """The functions, under the name that they are used by."""

    @staticmethod
    def is_sequence(seq: Any) -> bool:
        return isinstance(seq, (list, tuple, dict))

    @staticmethod
    def flatten(structure: Any) -> list[Any]:
        """Returns the leaves, of dicts in the order of their keys."""
        if isinstance(structure, dict):
            return [x for key in sorted(structure) for x in nest.flatten(structure[key])]
        if isinstance(structure, (list, tuple)):
            return [x for item in structure for x in nest.flatten(item)]
        return [structure]

    @staticmethod
    def map_structure(func: Callable[..., Any], *structure: Any) -> Any:
        """Returns func of the leaves, in the form of the first structure."""
        first = structure[0]
        if isinstance(first, dict):
            return {key: nest.map_structure(func, *(s[key] for s in structure)) for key in first}
        if isinstance(first, (list, tuple)):
            parts = [nest.map_structure(func, *items) for items in zip(*structure)]
            return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
        return func(*structure)

    @staticmethod
    def pack_sequence_as(structure: Any, flat_sequence: list[Any]) -> Any:
        """Returns the leaves in the form of the structure."""
        rest = iter(flat_sequence)
        return nest.map_structure(lambda _: next(rest), structure)
