"""Modules of TensorFlow's own that scripts reach into. What is in them, varscope has elsewhere."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from varscope.compat.v1._missing import missing_of

_ROOT = "varscope.compat.v1"


class Borrowing(ModuleType):
    """A module with the names of others: 'nn' is tf.nn, and '' is tf. It has names of its own, too."""

    def __init__(self, name: str, homes: tuple[str, ...], own: Mapping[str, Any]) -> None:
        super().__init__(name, f"{name.removeprefix(_ROOT + '.')}, of the names that others have.")
        self._homes = homes
        self.__dict__.update(own)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__"):
            for home in self._homes:
                module = importlib.import_module(_ROOT)
                for part in filter(None, home.split(".")):
                    module = getattr(module, part)
                if name in module.__all__:
                    return getattr(module, name)
        missing_of(self.__dict__)(name)


def borrowing(package: str, homes: Mapping[str, str],
              **own: Mapping[str, Any]) -> dict[str, Borrowing]:
    """Returns modules by their names, each with the homes of its names: 'nn_ops': 'nn tf', where 'tf' is
    the root."""
    return {name: Borrowing(f"{package}.{name}", tuple(
        "" if home == "tf" else home for home in text.split()), own.get(name, {}))
        for name, text in homes.items()}
