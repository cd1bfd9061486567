"""What Python has for a run before it begins: elements of data sets, records of files, texts.

A graph has placeholders of them, which a session feeds when a run needs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from varscope import _core, graph_data


class Source:
    """Several values that belong together: a run that needs one of them asks once for all."""

    def take(self, run: Run) -> list[Any]:
        """Returns the values for one run. OutOfRangeError when there are none left."""
        raise NotImplementedError


class Run:
    """One run of a session, as far as Python computes what it needs."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.feeds: list[tuple[_core.Tensor, Any]] = []  # what the caller feeds
        self.texts: dict[str, Any] = {}  # and what of strings, by the tensors' names
        self._taken: dict[Source, list[Any]] = {}

    def feed_text(self, name: str, value: Any) -> None:
        """Notes what is fed for a tensor of strings."""
        self.texts[name] = value

    def value(self, source: Source, index: int) -> Any:
        """Returns one of a source's values."""
        if source not in self._taken:
            self._taken[source] = source.take(self)
        return self._taken[source][index]


def feed_from(source: Source, index: int, placeholder: _core.Tensor) -> _core.Tensor:
    """Has runs feed this placeholder a source's value. Returns it."""
    graph_data.of_default().feeders[placeholder.op.name] = (source, index)
    return placeholder


class Feeders:
    """Which placeholders the runs of a graph feed themselves."""

    def __init__(self, graph: _core.Graph) -> None:
        self._graph = graph
        self._known: dict[tuple[str, ...], list[str]] = {}

    def feeds(self, fetched: Iterable[_core.Operation], fed: Iterable[_core.Tensor],
              run: Run) -> list[tuple[_core.Tensor, Any]]:
        """Returns what to feed beside what the caller feeds."""
        waiting = graph_data.of(self._graph).feeders
        if not waiting:
            return []
        own = {tensor.op.name for tensor in fed}
        key = (*sorted({op.name for op in fetched}), "", *sorted(own))
        if key not in self._known:
            self._known[key] = needed(fetched, own, waiting)
        return [(self._graph._tensor(f"{name}:0"), run.value(*waiting[name]))
                for name in self._known[key]]


def needed(fetched: Iterable[_core.Operation], fed: set[str],
           waiting: Mapping[str, Any]) -> list[str]:
    """Returns the names, among those of `waiting`, of the ops these ops depend on."""
    seen: set[str] = set()
    left = list(fetched)
    found: list[str] = []
    while left:
        op = left.pop()
        if op.name in seen or op.name in fed:
            continue
        seen.add(op.name)
        if op.name in waiting:
            found.append(op.name)
        left += [tensor.op for tensor in op.inputs] + op.control_inputs
    return found
