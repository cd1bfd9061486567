"""Of what class a function's result is, from its annotation."""

from __future__ import annotations

import inspect
import sys
import types
import typing
from typing import Any

from varscope import _core
from varscope.checking import stubs

# A class, whose instance it is; a tuple of such for a tuple of Python; None when it is not known.
Kind = Any


def _kind(hint: Any) -> Kind:
    if isinstance(hint, type) and not typing.get_args(hint):
        return hint if hint.__module__.split(".")[0] == "varscope" else None
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple and parts and parts[-1] is not Ellipsis:
        return tuple(_kind(part) for part in parts)
    if origin in (types.UnionType, typing.Union):
        known = [_kind(part) for part in parts if part is not types.NoneType]
        return known[0] if len(known) == 1 else None
    return None


def _evaluated(text: Any, module: str) -> Kind:
    if not isinstance(text, str):
        return _kind(text)
    names = {**vars(sys.modules.get("varscope", types)), **vars(_core),
             **vars(sys.modules.get(module, types)), "varscope": sys.modules.get("varscope")}
    try:
        return _kind(eval(text, names))  # noqa: S307 (varscope's own annotations)
    except Exception:  # names that a module imports for type checkers alone
        return None


def of(function: Any) -> Kind:
    """Returns the kind of what a call of a function or of a class gives."""
    if isinstance(function, type):
        made_by = vars(type(function)).get("__call__") if type(function) is not type else None
        if inspect.isfunction(made_by):
            return of(made_by)
        return function if function.__module__.split(".")[0] == "varscope" else None
    stub = stubs.functions().get(getattr(function, "__name__", ""))
    if type(function).__name__.startswith("nb_") and stub is not None:
        return _of_stub(stub)
    annotations = getattr(inspect.unwrap(function), "__annotations__", {}) if callable(
        function) else {}
    return _evaluated(annotations.get("return"), getattr(function, "__module__", ""))


def _of_stub(stub: Any) -> Kind:
    import ast
    return None if stub.returns is None else _evaluated(ast.unparse(stub.returns), _core.__name__)


def of_attribute(cls: type, name: str) -> Kind:
    """Returns the kind of a property's value."""
    if stubs.is_of_core(cls):
        stub = stubs.methods(cls.__name__).get(name)
        return None if stub is None else _of_stub(stub)
    found = inspect.getattr_static(cls, name, None)
    if isinstance(found, property) and found.fget is not None:
        return of(found.fget)
    return None


def of_method(cls: type, name: str) -> Kind:
    """Returns the kind of what a method gives."""
    if stubs.is_of_core(cls):
        return of_attribute(cls, name)
    found = inspect.getattr_static(cls, name, None)
    if isinstance(found, (staticmethod, classmethod)):
        found = found.__func__
    return of(found) if inspect.isfunction(found) else None
