"""The arguments that a function takes."""

from __future__ import annotations

import ast
import inspect
from typing import Any, NamedTuple

from varscope.checking import stubs


class Arguments(NamedTuple):
    """The names of arguments, and how many may be given by their places; None for any number."""

    names: frozenset[str]
    places: int | None
    any_name: bool


def of_stub(function: ast.FunctionDef, method: bool) -> Arguments:
    """Returns the arguments of a function of a stub, without a method's self."""
    args = function.args
    placed = [arg.arg for arg in [*args.posonlyargs, *args.args]][1 if method else 0:]
    names = frozenset([*placed, *(arg.arg for arg in args.kwonlyargs)])
    return Arguments(names, None if args.vararg else len(placed), args.kwarg is not None)


def of(function: Any) -> Arguments | None:
    """Returns the arguments of a function or of a class's constructor; None when they are not known."""
    if isinstance(function, type):
        if stubs.is_of_core(function):
            init = stubs.methods(function.__name__).get("__init__")
            return None if init is None else of_stub(init, True)
        return _inspected(function)
    name = getattr(function, "__name__", "")
    if type(function).__module__ == "nanobind" or type(function).__name__.startswith("nb_"):
        stub = stubs.functions().get(name)
        return None if stub is None else of_stub(stub, False)
    return _inspected(function)


def _inspected(function: Any) -> Arguments | None:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
    kinds = {parameter.kind for parameter in parameters}
    placed = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    named = frozenset(p.name for p in parameters
                      if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))
    many = inspect.Parameter.VAR_POSITIONAL in kinds
    return Arguments(named, None if many else len(placed), inspect.Parameter.VAR_KEYWORD in kinds)


def method_of(cls: type, name: str) -> Arguments | None:
    """Returns the arguments of a method, without self; None when they are not known."""
    if stubs.is_of_core(cls):
        stub = stubs.methods(cls.__name__).get(name)
        if stub is None or _is_property(stub):
            return None
        return of_stub(stub, True)
    function = inspect.getattr_static(cls, name, None)
    if isinstance(function, staticmethod):
        return _inspected(function.__func__)
    if not inspect.isfunction(function):
        return None
    found = _inspected(function)
    if found is None or not found.places:
        return found
    return found._replace(places=found.places - 1)


def _is_property(stub: ast.FunctionDef) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == "property" for mark in stub.decorator_list)
