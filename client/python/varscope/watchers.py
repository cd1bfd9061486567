"""What happens beside a run: tf.Print says what some tensors are when an op runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from varscope import _core, graph_data
from varscope.feeders import needed
from varscope.ops import convert_to_tensor
from varscope.strings.tensors import StringTensor


class Watcher:
    """Sees the values of some tensors in each run that needs an op."""

    def __init__(self, op: _core.Operation, parts: list[Any]) -> None:
        # Names: tensors would keep the graph alive.
        self.parts = [x if isinstance(x, StringTensor) else x.name for x in parts]
        graph_data.of_default().watchers[op.name] = self

    def saw(self, values: list[Any]) -> None:
        raise NotImplementedError


class Watchers:
    """Which watchers the runs of a graph have."""

    def __init__(self, graph: _core.Graph) -> None:
        self._graph = graph
        self._known: dict[tuple[str, ...], list[str]] = {}

    def add(self, fetched: Iterable[_core.Operation],
            fetch: Callable[[Any], Any]) -> list[tuple[Watcher, Any]]:
        """Returns the watchers that ops need, each with what `fetch` returns for what it sees."""
        waiting = graph_data.of(self._graph).watchers
        if not waiting:
            return []
        key = tuple(sorted({op.name for op in fetched}))
        if key not in self._known:
            self._known[key] = needed(fetched, set(), waiting)
        return [(waiting[name], fetch(waiting[name].parts)) for name in self._known[key]]


class _Printer(Watcher):
    """Writes values to standard error."""

    def __init__(self, op: _core.Operation, parts: list[Any], message: str, first: int | None,
                 count: int) -> None:
        super().__init__(op, parts)
        self._message, self._left, self._count = message, first, count

    def saw(self, values: list[Any]) -> None:
        if self._left == 0:
            return
        if self._left is not None:
            self._left -= 1
        print(self._message + "".join(f"[{self._shown(value)}]" for value in values),
              file=sys.stderr)

    def _shown(self, value: Any) -> str:
        flat = np.ravel(np.asarray(value))
        shown = [x.decode(errors="replace") if isinstance(x, bytes) else str(x)
                 for x in (flat if self._count < 0 else flat[:self._count])]
        return " ".join(shown) + ("..." if len(shown) < flat.size else "")


def Print(input_: Any, data: Iterable[Any], message: str | None = None,
          first_n: int | None = None, summarize: int | None = None,
          name: str | None = None) -> _core.Tensor:
    """Returns the input. A run that needs it writes the data to standard error, when it is over;
    first_n such runs do. Ops inside tf.cond and tf.while_loop write nothing."""
    made = _core.identity(convert_to_tensor(input_), name or "Print")
    parts = [convert_to_tensor(x) for x in data]
    limit = None if first_n is None or first_n < 0 else first_n
    _Printer(made.op, parts, message or "", limit, 3 if summarize is None else summarize)
    return made
