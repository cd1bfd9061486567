"""What a session does beside a run that gives variables their first values: those that begin as they
are in a checkpoint get that value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from varscope import _core, graph_data
from varscope.uninitialized import has_value


class FirstValues:
    """What a session does beside a run that gives variables their first values."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def begin(self, ops: Iterable[_core.Operation]) -> list[str]:
        """Returns the variables that are to begin as in a checkpoint, before a run; none when the run
        gives no variable its first value."""
        waiting = graph_data.of(self._session.graph).first_values
        if not waiting or not _initializes(ops):
            return []
        if graph_data.of(self._session.graph).server is not None:
            return list(waiting)
        # Others share the store: what they have trained stays.
        return [name for name in waiting if self._session.global_step == 0
                or not has_value(self._session, name)]

    def end(self, names: Iterable[str]) -> None:
        """Gives those that have values now the checkpoints' ones."""
        graph = self._session.graph
        waiting = graph_data.of(graph).first_values
        given = [waiting.pop(name) for name in names if has_value(self._session, name)]
        if given:
            self._session.run(
                [graph._operation(step) for _, _, _, step in given],
                {graph._tensor(f"{fed}:0"): reader.get_tensor(name)
                 for reader, name, fed, _ in given})


def _initializes(ops: Iterable[_core.Operation]) -> bool:
    seen: set[str] = set()
    left = list(ops)
    while left:
        op = left.pop()
        if op.name in seen:
            continue
        seen.add(op.name)
        if op.type == "InitializeVariables":
            return True
        left += [tensor.op for tensor in op.inputs] + op.control_inputs
    return False
