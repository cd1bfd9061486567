"""Moving averages of variables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from varscope import _core
from varscope.collections_ import GraphKeys, add_to_collection, moving_average_variables
from varscope.ops import group
from varscope.scopes import control_dependencies, name_scope
from varscope.variable_class import Variable
from varscope.variables import assign, assign_sub


class ExponentialMovingAverage:
    """average = decay * average + (1 - decay) * variable, in variables of its own."""

    def __init__(self, decay: float, num_updates: Any = None, zero_debias: bool = False,
                 name: str = "ExponentialMovingAverage") -> None:
        if zero_debias:
            raise NotImplementedError("ExponentialMovingAverage: varscope has no 'zero_debias'")
        self._decay = decay
        self._num_updates = num_updates
        self._name = name
        self._averages: dict[Any, _core.Variable] = {}

    @property
    def name(self) -> str:
        return self._name

    def apply(self, var_list: Iterable[Any] | None = None) -> _core.Operation:
        """Returns an op that updates the averages, of all trainable variables if var_list is None."""
        listed = _core.trainable_variables() if var_list is None else list(var_list)
        for var in listed:
            if var in self._averages:
                raise ValueError(f"Moving average already computed for: {var.name}")
            self._averages[var] = self._new(var)
        with name_scope(self._name) as scope:
            decay = self._present_decay()
            updates = [assign_sub(self._averages[var],
                                  (1.0 - decay) * (self._averages[var].value() - var))
                       for var in listed]
            return group(*updates, name=scope.rstrip("/") + "/update")

    def _new(self, var: Any) -> _core.Variable:
        is_variable = isinstance(var, _core.Variable)
        with control_dependencies(None):  # the first value waits for nothing
            # Not a tensor, which a branch of a condition would have as its own.
            initial = var.initialized_value() if is_variable else np.zeros(
                var.shape.as_list(), var.dtype.as_numpy_dtype)
            average = Variable(initial, trainable=False, name=self.average_name(var))
        add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES,
                          var if is_variable else average)
        return average

    def _present_decay(self) -> Any:
        if self._num_updates is None:
            return self._decay
        updates = _core.cast(self._num_updates, "float32")
        return _core.minimum((1.0 + updates) / (10.0 + updates), self._decay)

    def average(self, var: Any) -> _core.Variable | None:
        """Returns the variable that has the average; None when there is none."""
        return self._averages.get(var)

    def average_name(self, var: Any) -> str:
        """Returns the name of that variable."""
        return f"{var.op.name}/{self._name}"

    def variables_to_restore(self, moving_avg_variables: Iterable[Any] | None = None
                             ) -> dict[str, _core.Variable]:
        """Returns what a Saver takes to restore averages in place of the variables."""
        with_average = moving_avg_variables or [
            *_core.trainable_variables(), *moving_average_variables()]
        named = {self.average_name(var): var for var in dict.fromkeys(with_average)}
        apart = [*named.values(), *self._averages.values()]
        others = [var for var in _core.global_variables() if var not in apart]
        return {**named, **{var.op.name: var for var in others}}


def assign_moving_average(variable: _core.Variable, value: Any, decay: Any,
                          zero_debias: bool = True, name: str | None = None) -> _core.Tensor:
    """Returns what moves a variable towards a value by the share 1 - decay."""
    with name_scope(name, "AssignMovingAvg"):
        if zero_debias:
            raise NotImplementedError("assign_moving_average: varscope has no 'zero_debias'")
        return assign(variable, variable.value() * decay + value * (1.0 - decay))
