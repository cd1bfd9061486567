"""HParams: the numbers that a model is made with."""

from __future__ import annotations

from typing import Any


class HParams:
    """Values as attributes."""

    def __init__(self, hparam_def: Any = None, model_structure: Any = None, **kwargs: Any) -> None:
        self._names: list[str] = []
        for name, value in kwargs.items():
            self.add_hparam(name, value)

    def add_hparam(self, name: str, value: Any) -> None:
        """Adds a value. ValueError when there is one of this name."""
        if name in self.__dict__:
            raise ValueError(f"Hyperparameter name is reserved: {name}")
        self._names.append(name)
        setattr(self, name, value)

    def set_hparam(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._names}

    def parse(self, values: str) -> HParams:
        """Sets values that text gives: 'name=value,name=value'."""
        for part in filter(None, values.split(",")):
            name, _, text = part.partition("=")
            old = getattr(self, name.strip())
            setattr(self, name.strip(), text == "true" if isinstance(old, bool) else
                    type(old)(text))
        return self

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def __contains__(self, key: str) -> bool:
        return key in self._names
