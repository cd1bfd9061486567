"""Custom getters: functions between get_variable and the variable, which may return what they make of
it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core

# By the variable beneath. A definition may run in a thread of its own.
_given: dict[_core.Variable, Any] = {}


def getter_of(custom_getter: Callable | None) -> Callable | None:
    """Returns what the client takes for a custom getter, which gives a variable whatever the function
    returns: `result` has the rest. ValueError for what is not callable."""
    if custom_getter is None:
        return None
    if not callable(custom_getter):
        raise ValueError(f"custom_getter is not callable: {custom_getter}")

    def call(getter: Callable, *arguments: Any, **keywords: Any) -> _core.Variable:
        made: list[_core.Variable] = []

        def inner(*arguments: Any, **keywords: Any) -> Any:
            made.append(getter(*arguments, **keywords))
            return result(made[-1])

        given = custom_getter(inner, *arguments, **keywords)
        if isinstance(given, _core.Variable) or not made:
            return given
        _given[made[-1]] = given
        return made[-1]

    return call


def result(variable: _core.Variable) -> Any:
    """Returns what the outermost getter made of a variable."""
    return _given.pop(variable, variable)
