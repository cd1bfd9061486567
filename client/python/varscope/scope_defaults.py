"""What variable scopes give the variables in them, as a program said it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from varscope import _core, graph_data


class Defaults(NamedTuple):
    """What get_variable has when its arguments do not say. `has_getter`: some scope around has a
    custom getter. None of `custom_getter` and `regularizer` leaves it to the client, which knows
    those that a scope was opened with."""

    initializer: Any = None
    regularizer: Callable | None = None
    partitioner: Callable | None = None
    custom_getter: Callable | None = None
    constraint: Callable | None = None
    has_getter: bool = False


def of_scope(scope: _core.VariableScope) -> Defaults:
    """Returns what a scope has."""
    return graph_data.of_default().scopes.get(scope._key, Defaults())


def inherited(name_or_scope: Any) -> Defaults:
    """Returns what a scope begins with: what a captured scope has, or the one that is open."""
    if isinstance(name_or_scope, _core.VariableScope):
        return of_scope(name_or_scope)
    return of_scope(_core.get_variable_scope())


def note(scope: _core.VariableScope, before: Defaults, **given: Any) -> None:
    """Keeps what a scope has: what it began with, and what it was given that is not None."""
    said = {name: value for name, value in given.items() if value is not None}
    graph_data.of_default().scopes[scope._key] = before._replace(**said)


def change(scope: _core.VariableScope, **values: Any) -> None:
    """From here on the scope, and what is opened inside it later, has these, None too."""
    graph_data.of_default().scopes[scope._key] = of_scope(scope)._replace(**values)
