"""What a module says of a symbol that it does not have."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NoReturn

_ROOT = "varscope.compat.v1"
# Modules whose files are elsewhere than scripts know them.
_HOMES = {"contrib._nets": "contrib.slim.nets", "contrib._slim_python": "contrib.slim.python",
          "contrib._metric_learning": "contrib.losses.metric_learning",
          "contrib._slim_learning": "contrib.slim.learning",
          "contrib._layers_python": "contrib.layers.python"}


def symbols() -> list[tuple[str, Any]]:
    """Returns all public symbols with their values: 'nn.relu'."""
    import varscope.compat.v1 as root
    return list(_symbols("", vars(root)))


def _symbols(prefix: str, names: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    public = names.get("__all__", [name for name in names if not name.startswith("_")])
    for name in public:
        value = names[name]
        yield prefix + name, value
        # tf.compat.v1 is the root again.
        if isinstance(value, ModuleType) and name != "compat":
            yield from _symbols(f"{prefix}{name}.", vars(value))


def missing_text(symbol: str) -> str:
    """Returns what to say of a symbol that is not there, which names the nearest one."""
    for file, known in _HOMES.items():
        symbol = symbol.replace(file, known)
    near = difflib.get_close_matches(symbol, [name for name, _ in symbols()], n=1, cutoff=0.0)
    return f"varscope has no tf.{symbol}; the nearest that it has is tf.{near[0]}"


def missing_of(names: dict[str, Any]) -> Callable[[str], NoReturn]:
    """Returns a module's __getattr__."""

    def missing(name: str) -> NoReturn:
        module = names["__name__"]
        if name.startswith("__"):
            raise AttributeError(f"module '{module}' has no attribute '{name}'")
        inside = module.removeprefix(_ROOT).removeprefix(".")
        raise AttributeError(missing_text(f"{inside}.{name}" if inside else name))

    return missing
