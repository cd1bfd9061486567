"""Creator scopes: functions between a program and the variables that it makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import graph_data

Creator = Callable[..., Any]


def _open() -> list[Creator]:
    """The creators that are open in this thread, innermost last."""
    return getattr(graph_data.of_default().creators, "open", [])


def are_open() -> bool:
    """Whether variables that are made now pass a creator."""
    return bool(_open())


class variable_creator_scope:
    """A block in which `creator(next_creator, **keywords)` makes the variables: it returns what
    next_creator makes of the keywords, which it may change."""

    def __init__(self, variable_creator: Creator) -> None:
        self._creator = variable_creator
        self._opened: list[tuple[Any, list[Creator], list[Creator]]] = []

    def __enter__(self) -> None:
        own, before = graph_data.of_default().creators, _open()
        own.open = [*before, self._creator]
        self._opened.append((own, before, own.open))

    def __exit__(self, *_: Any) -> None:
        own, before, opened = self._opened[-1]
        if own.open is not opened:
            raise RuntimeError("Exiting variable_creator_scope without proper nesting.")
        self._opened.pop()
        own.open = before


def made(last: Creator, **keywords: Any) -> Any:
    """Returns what the creators that are open, and after them `last`, make of the keywords."""
    make = last
    for creator in _open():
        make = _before(creator, make)
    return make(**keywords)


def _before(creator: Creator, following: Creator) -> Creator:
    return lambda **keywords: creator(following, **keywords)
