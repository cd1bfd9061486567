"""Custom getters: functions between get_variable and the variable, which may return what they make of
it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from varscope import _core
from varscope.synchronization import VariableAggregation, VariableSynchronization

# By the variable beneath. A definition may run in a thread of its own.
_given: dict[_core.Variable, Any] = {}
# What get_variable was asked for that the client does not know, by the variable's full name.
_asked: dict[str, dict[str, Any]] = {}
_NOTHING = {"synchronization": VariableSynchronization.AUTO, "aggregation": VariableAggregation.NONE}


@contextlib.contextmanager
def asked(name: str, **keywords: Any) -> Iterator[None]:
    """A block in which the getters of this variable are given these keywords, too."""
    _asked[name] = keywords
    try:
        yield
    finally:
        _asked.pop(name, None)


def getter_of(custom_getter: Callable | None) -> Callable | None:
    """Returns what the client takes for a custom getter, which gives a variable whatever the function
    returns: `result` has the rest. ValueError for what is not callable."""
    if custom_getter is None:
        return None
    if not callable(custom_getter):
        raise ValueError(f"custom_getter is not callable: {custom_getter}")

    def call(getter: Callable, *arguments: Any, **keywords: Any) -> _core.Variable:
        made: list[_core.Variable] = []
        name = keywords["name"] if "name" in keywords else arguments[0]
        rest = _asked.get(name, _NOTHING)

        def inner(*arguments: Any, **keywords: Any) -> Any:
            changed = {key: keywords.pop(key) for key in _NOTHING if key in keywords}
            if name in _asked:
                _asked[name] = rest | changed
            made.append(getter(*arguments, **keywords))
            return result(made[-1])

        given = custom_getter(inner, *arguments, **keywords, **rest)
        if isinstance(given, _core.Variable) or not made:
            return given
        _given[made[-1]] = given
        return made[-1]

    return call


def result(variable: _core.Variable) -> Any:
    """Returns what the outermost getter made of a variable."""
    return _given.pop(variable, variable)
