"""What a module says of a symbol that it does not have."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

_ROOT = "varscope.compat.v1"


def _symbols(prefix: str, names: dict[str, Any]) -> list[str]:
    """All public names of a module and of those inside it: 'nn.relu'."""
    symbols = []
    for name, value in names.items():
        if name.startswith("_"):
            continue
        if not isinstance(value, ModuleType):
            symbols.append(prefix + name)
        elif value.__name__.startswith("varscope"):
            symbols += _symbols(f"{prefix}{name}.", vars(value))
    return symbols


def missing_of(names: dict[str, Any]) -> Callable[[str], NoReturn]:
    """Returns a module's __getattr__."""

    def missing(name: str) -> NoReturn:
        module = names["__name__"]
        if name.startswith("__"):
            raise AttributeError(f"module '{module}' has no attribute '{name}'")
        import varscope.compat.v1 as root
        inside = module.removeprefix(_ROOT).removeprefix(".")
        symbol = f"{inside}.{name}" if inside else name
        near = difflib.get_close_matches(symbol, _symbols("", vars(root)), n=1, cutoff=0.0)
        raise AttributeError(f"varscope has no tf.{symbol}; the nearest that it has is tf.{near[0]}")

    return missing
