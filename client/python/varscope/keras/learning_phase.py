"""Whether layers such as Dropout train: a value that fit() feeds."""

from __future__ import annotations

from typing import Any

from varscope import _core, counting
from varscope.graphs import get_default_graph

_NAME = "keras_learning_phase"
_fixed: list[int] = []  # what set_learning_phase() has set


def learning_phase() -> Any:
    """Returns the tensor that says whether the run trains; or what set_learning_phase() set."""
    if _fixed:
        return _fixed[0]
    found = placeholder_of(get_default_graph())
    return counting.placeholder_with_default(False, [], _NAME) if found is None else found


def placeholder_of(graph: _core.Graph) -> _core.Tensor | None:
    """Returns a graph's tensor; None when no layer asked for it."""
    try:
        return graph._tensor(_NAME + ":0")
    except ValueError:
        return None


def set_learning_phase(value: Any) -> None:
    """Has layers that are made from now on train (1), or not (0)."""
    if value not in (0, 1):
        raise ValueError("Expected learning phase to be 0 or 1.")
    _fixed[:] = [int(value)]


def forget() -> None:
    """Undoes set_learning_phase()."""
    _fixed.clear()
