"""Which of TensorFlow's symbols a name of a script stands for."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from varscope.compat import v1
from varscope.compat.v1._missing import missing_text
from varscope.compat.v1.python._borrowing import Borrowing

MISSING = object()


def normal(path: str) -> str:
    """Returns a symbol without 'compat.v1.'."""
    while path.startswith("compat.v1"):
        path = path.removeprefix("compat.v1").removeprefix(".")
    return path


def value_of(path: str) -> Any:
    """Returns what a symbol is, 'nn.relu'; MISSING for one that varscope does not have."""
    found: Any = v1
    for name in filter(None, normal(path).split(".")):
        if isinstance(found, Borrowing):
            found = getattr(found, name, MISSING)
        elif isinstance(found, ModuleType):
            public = getattr(found, "__all__", None)
            if public is not None and name not in public and not isinstance(
                    vars(found).get(name), ModuleType):
                return MISSING
            found = vars(found).get(name, MISSING)
        elif isinstance(found, type):
            found = getattr(found, name, MISSING)
        else:
            return None  # an attribute of an object
        if found is MISSING:
            return MISSING
    return found


def missing(path: str) -> str:
    """Returns what to say of a symbol that is missing."""
    return missing_text(normal(path))
