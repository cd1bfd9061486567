"""What variable scopes give the variables in them, which the client knows in its own form alone."""

from __future__ import annotations

from typing import Any, NamedTuple

from varscope import _core, graph_data


class Defaults(NamedTuple):
    """The initializer, the partitioner and the constraint, as a program gave them, and whether a
    variable may be split or replaced."""

    initializer: Any = None
    changed: bool = False
    partitioner: Any = None
    constraint: Any = None


def of_scope(scope: _core.VariableScope) -> Defaults:
    """Returns what an open scope has."""
    return graph_data.of_default().scopes.get(scope.name, Defaults())


def inherited(name_or_scope: Any) -> Defaults:
    """Returns what a scope begins with: what a captured scope has, or the one that is open."""
    if isinstance(name_or_scope, _core.VariableScope):
        return of_scope(name_or_scope)
    return of_scope(_core.get_variable_scope())


def note(before: Defaults, initializer: Any, partitioner: Any, custom_getter: Any,
         constraint: Any) -> None:
    """Keeps what the scope that was just opened has."""
    own = Defaults(before.initializer if initializer is None else initializer,
                   before.changed or partitioner is not None or custom_getter is not None,
                   before.partitioner if partitioner is None else partitioner,
                   before.constraint if constraint is None else constraint)
    graph_data.of_default().scopes[_core.get_variable_scope().name] = own
