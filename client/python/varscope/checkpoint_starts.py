"""What a session does beside a run that gives variables their first values: those that begin as they
are in a checkpoint get that value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from varscope import _core, graph_data


class FirstValues:
    """The variables of a graph that init_from_checkpoint() named, until they have their values. The
    store has a variable beside each that says so: others, who share it, may have trained it."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def are_due(self, ops: Iterable[_core.Operation]) -> bool:
        """Returns whether a run gives variables first values while some wait for theirs."""
        return bool(self._waiting()) and _initializes(ops)

    def _waiting(self) -> dict[str, Any]:
        return graph_data.of(self._session.graph).first_values

    def give(self) -> None:
        """Gives those that wait the checkpoints' values, where nobody has given them yet."""
        graph, waiting = self._session.graph, self._waiting()
        known = self._session.run([graph._tensor(f"{done}/read:0")
                                   for *_, done in waiting.values()])
        left = [own for own, is_done in zip(waiting.values(), known) if not is_done]
        self._session.run(
            [graph._operation(step) for _, _, _, step, _ in left],
            {graph._tensor(f"{fed}:0"): reader.get_tensor(name)
             for reader, name, fed, _, _ in left})
        waiting.clear()


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
