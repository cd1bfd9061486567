"""First values that a connection gives the server beside the definitions, and gives again.

A first value of many bytes does not travel with its variable's definition. A server that was started again
without its state is told the definitions anew, and has none of these values: whoever finds a variable without
a value gives those that it has, and asks again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from varscope import _core
from varscope.errors import FailedPreconditionError

_Result = TypeVar("_Result")


class GivenValues:
    """Those of one session. Threads may call run() at the same time."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._initializers: dict[tuple[_core.Variable, ...], _core.Operation] = {}

    def give(self, variables: Iterable[_core.Variable]) -> None:
        """Gives variables their first values, those that have none."""
        self._session.core.run([self.add(variables)], [])

    def add(self, variables: Iterable[_core.Variable]) -> _core.Operation:
        """Has run() give them, when it finds that values are missing. Returns the op that does so."""
        given = tuple(variables)
        if given not in self._initializers:
            with self._session.graph.as_default():
                self._initializers[given] = _core._initializer_of(list(given), "init")
        return self._initializers[given]

    def run(self, call: Callable[[], _Result]) -> _Result:
        """Returns what the call returns; where that has found a variable without a value, after all have been
        given again.
        """
        try:
            return call()
        except FailedPreconditionError:
            if not self._initializers:
                raise
        self._session.core.run(list(self._initializers.values()), [])
        return call()
