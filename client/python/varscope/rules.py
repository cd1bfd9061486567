"""Update rules whose hyperparameters a program may change from step to step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from varscope import _core
from varscope.optimizers import Optimizer


class BuiltRule(NamedTuple):
    """A rule in a graph."""

    optimizer: Optimizer
    fed: dict[str, _core.Tensor]  # placeholders, by hyperparameter


class Rule(NamedTuple):
    """One of the server's update rules."""

    name: str                     # of the rule, and of its slots
    changing: tuple[str, ...]     # hyperparameters that each step is fed
    fixed: Mapping[str, float]
    weight_decay: float = 0.0     # times the variable, added to its dense gradient

    @property
    def settings(self) -> Any:
        """Equal for rules that are the same."""
        return (self.name, self.changing, tuple(self.fixed.items()), self.weight_decay)

    def build(self) -> BuiltRule:
        """Returns it with placeholders in the default graph."""
        fed = {key: _core.placeholder("float64", []) for key in self.changing}
        optimizer = Optimizer(self.name, self.name, {**fed, **self.fixed})
        return BuiltRule(optimizer.push_options(weight_decay=self.weight_decay), fed)


class GivenRule:
    """An optimizer that a program has made: its hyperparameters are as they are."""

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError("Optimizer() takes an optimizer of varscope.train, "
                            f"not {type(optimizer).__name__}")
        self._optimizer = optimizer

    @property
    def settings(self) -> Any:
        """Equal for rules that are the same."""
        return self._optimizer.settings

    def build(self) -> BuiltRule:
        return BuiltRule(self._optimizer, {})
