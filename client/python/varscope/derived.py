"""Values that Python computes from what a run has computed, where TensorFlow has an op of strings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Derived:
    """A fetch: `compute` gets the values of `parts`, which are fetches of any form.

    `parts` are names where the object is kept with the graph: tensors would keep that alive.
    """

    def __init__(self, name: str, parts: Any, compute: Callable[[Any], Any]) -> None:
        self.name = name
        self.parts = parts
        self.compute = compute

    @property
    def op(self) -> Derived:
        return self

    def after_run(self, session: Any) -> None:
        """Called by a session when the run that fetched it is over."""

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Returns its value in the session, or in the default one."""
        from varscope.session import session_for
        return session_for("eval()", session).run(self, feed_dict)

    run = eval

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}:0' shape=() dtype=string>"
