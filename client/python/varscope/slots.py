"""What optimizers keep: slots of variables and variables of their own, as variables of the graph."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from varscope import _core


class Slot(NamedTuple):
    """A variable that an optimizer keeps."""

    primary: _core.Variable | None  # whose slot it is; None: a variable of the optimizer's own
    state: str                      # 'm', 'beta1_power'
    variable: _core.Variable


class Slots:
    """TensorFlow's words for them, beside a class's _kept()."""

    def _kept(self) -> list[Slot]:
        """Returns what the optimizer keeps in the default graph."""
        raise NotImplementedError

    def _kept_for(self, var: _core.Variable) -> list[Slot]:
        """Returns what it keeps there for one variable, without a look at the others."""
        raise NotImplementedError

    def get_slot(self, var: _core.Variable, name: str) -> _core.Variable | None:
        """Returns what the optimizer keeps for a variable under this name, such as 'momentum'; None where
        it keeps nothing."""
        with var.graph.as_default():
            return next((slot.variable for slot in self._kept_for(var) if slot.state == name),
                        None)

    def get_slot_names(self) -> list[str]:
        """Returns the names of what it keeps for variables."""
        return sorted({slot.state for slot in self._kept() if slot.primary is not None})

    def variables(self) -> list[_core.Variable]:
        """Returns all that it keeps in the default graph, by name."""
        return sorted(dict.fromkeys(slot.variable for slot in self._kept()),
                      key=lambda variable: variable.name)

    def _get_non_slot_variable(self, name: str, graph: Any = None) -> _core.Variable | None:
        """Returns a variable of the optimizer's own, such as 'beta1_power'."""
        with (graph or _core.get_default_graph()).as_default():
            return next((slot.variable for slot in self._kept()
                         if slot.primary is None and slot.state == name), None)


def is_slot(variable: _core.Variable) -> bool:
    """Returns whether an optimizer of the server's keeps this variable."""
    return _core._slot_begins_as(variable) is not None


def first_value(slot: _core.Variable) -> Any:
    """Returns the array that a slot begins as."""
    return np.full(slot.shape.as_list(), _core._slot_begins_as(slot), slot.dtype.as_numpy_dtype)


def reset(slot: _core.Variable) -> _core.Operation:
    """Returns an op that gives a slot its first value again."""
    begins_as = _core._convert_to_tensor(_core._slot_begins_as(slot), slot.dtype, None)
    return _core.assign(slot, _core.fill(slot.shape.as_list(), begins_as), None).op
