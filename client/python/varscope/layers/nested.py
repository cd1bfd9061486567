"""tf.contrib.framework.nest: structures of tuples, lists and dicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class nest:
    """The functions, under the name that they are used by."""

    @staticmethod
    def is_sequence(seq: Any) -> bool:
        return isinstance(seq, (list, tuple, dict))

    is_nested = is_sequence

    @staticmethod
    def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True,
                              expand_composites: bool = False) -> None:
        """ValueError where two structures have not the same form; TypeError where they are of
        different types."""
        if nest.is_sequence(nest1) != nest.is_sequence(nest2) or (
                nest.is_sequence(nest1) and len(nest1) != len(nest2)):
            raise ValueError("The two structures don't have the same nested structure: "
                             f"{nest1!r}, {nest2!r}")
        if not nest.is_sequence(nest1):
            return
        if check_types and type(nest1) is not type(nest2):
            raise TypeError("The two structures don't have the same sequence type: "
                            f"{type(nest1)}, {type(nest2)}")
        if isinstance(nest1, dict) and set(nest1) != set(nest2):
            raise ValueError("The two dictionaries don't have the same set of keys: "
                             f"{list(nest1)}, {list(nest2)}")
        for key in nest1 if isinstance(nest1, dict) else range(len(nest1)):
            nest.assert_same_structure(nest1[key], nest2[key], check_types)

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
