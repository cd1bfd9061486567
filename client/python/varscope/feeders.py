"""Placeholders that a run feeds itself: the next elements of data sets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from varscope import _core, graph_data


class Feeder:
    """Feeds some placeholders, all at once: next_values() returns their values."""

    def __init__(self, placeholders: list[_core.Tensor]) -> None:
        self.names = [tensor.name for tensor in placeholders]
        data = graph_data.of_default()
        for tensor in placeholders:
            data.feeders[tensor.op.name] = self

    def next_values(self) -> list[Any]:
        raise NotImplementedError


class Feeders:
    """Which feeders the runs of a graph need."""

    def __init__(self, graph: _core.Graph) -> None:
        self._graph = graph
        self._known: dict[tuple[str, ...], list[Feeder]] = {}

    def feeds(self, fetched: Iterable[_core.Operation],
              fed: Iterable[_core.Tensor]) -> list[tuple[_core.Tensor, Any]]:
        """Returns what to feed beside what the caller feeds."""
        waiting = graph_data.of(self._graph).feeders
        if not waiting:
            return []
        own = {tensor.op.name for tensor in fed}
        key = (*sorted({op.name for op in fetched}), "", *sorted(own))
        if key not in self._known:
            self._known[key] = _needed(fetched, own, waiting)
        feeds = []
        for feeder in self._known[key]:
            tensors = [self._graph._tensor(name) for name in feeder.names]
            feeds += list(zip(tensors, feeder.next_values()))
        return feeds


def _needed(fetched: Iterable[_core.Operation], fed: set[str],
            waiting: dict[str, Feeder]) -> list[Feeder]:
    """The feeders of the placeholders that these ops depend on."""
    seen: set[str] = set()
    left = list(fetched)
    found: dict[int, Feeder] = {}
    while left:
        op = left.pop()
        if op.name in seen or op.name in fed:
            continue
        seen.add(op.name)
        if op.name in waiting:
            found[id(waiting[op.name])] = waiting[op.name]
        left += [tensor.op for tensor in op.inputs] + op.control_inputs
    return list(found.values())
