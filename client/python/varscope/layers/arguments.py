"""arg_scope: arguments that functions have inside a `with` block."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar, cast

_thread = threading.local()
_Function = TypeVar("_Function", bound=Callable)


def _scopes() -> list[dict[Any, dict[str, Any]]]:
    if not hasattr(_thread, "scopes"):
        _thread.scopes = [{}]
    return _thread.scopes


def add_arg_scope(function: _Function) -> _Function:
    """Makes a function one that arg_scope gives arguments."""

    @functools.wraps(function)
    def scoped(*arguments: Any, **keywords: Any) -> Any:
        given = _scopes()[-1].get(function, {})
        return function(*arguments, **{**_free(function, arguments, given), **keywords})

    scoped._scoped = function
    return cast(_Function, scoped)


def _free(function: Callable, arguments: tuple[Any, ...], given: dict[str, Any]) -> dict[str, Any]:
    """Those arguments that are not given by their place."""
    placed = function.__code__.co_varnames[:len(arguments)]
    return {name: value for name, value in given.items() if name not in placed}


@contextlib.contextmanager
def arg_scope(list_ops_or_scope: Iterable[Callable] | dict[Any, Any],
              **kwargs: Any) -> Iterator[dict[Any, dict[str, Any]]]:
    """A block in which these functions have these arguments; or a scope that a block gave.

    ValueError for a function that add_arg_scope does not know.
    """
    if isinstance(list_ops_or_scope, dict):
        scope = list_ops_or_scope
    else:
        scope = {key: dict(value) for key, value in _scopes()[-1].items()}
        for function in list_ops_or_scope:
            if not hasattr(function, "_scoped"):
                raise ValueError(f"{function!r} is not decorated with @add_arg_scope")
            scope.setdefault(function._scoped, {}).update(kwargs)
    _scopes().append(scope)
    try:
        yield scope
    finally:
        _scopes().pop()
