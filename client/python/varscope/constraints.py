"""Constraints: functions that say what a variable's value may be, after each update of an optimizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from varscope import _core, graph_data
from varscope.ops import group
from varscope.scopes import control_dependencies
from varscope.slices import IndexedSlices


def note(variable: _core.Variable, constraint: Callable | None) -> None:
    """Keeps a variable's constraint. TypeError for what is no function."""
    if constraint is None:
        return
    if not callable(constraint):
        raise ValueError("The `constraint` argument must be a callable.")
    graph_data.of(variable.graph).constraints.setdefault(variable.name, constraint)


def of(variable: _core.Variable) -> Callable | None:
    """The function that is applied to its value after each update; None without one."""
    return graph_data.of(variable.graph).constraints.get(variable.name)


def among(grads_and_vars: Sequence[tuple[Any, Any]]) -> list[_core.Variable]:
    """Returns the variables that are updated and have constraints. RuntimeError for sparse updates,
    as TensorFlow."""
    found = [(gradient, variable) for gradient, variable in grads_and_vars
             if gradient is not None and isinstance(variable, _core.Variable) and of(variable)]
    for gradient, _ in found:
        if isinstance(gradient, IndexedSlices):
            raise RuntimeError("Cannot use a constraint function on a sparse variable.")
    return [variable for _, variable in found]


def applied_after(update: _core.Operation,
                  variables: Sequence[_core.Variable]) -> _core.Operation:
    """Returns an op that runs the update, and then assigns what the constraints make of the
    variables."""
    with control_dependencies([update]):
        return group(*[variable.assign(of(variable)(variable.value())).op
                       for variable in variables])


_core.Variable.constraint = property(of, doc=of.__doc__)
