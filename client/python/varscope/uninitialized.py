"""Which variables have no value yet: tf.report_uninitialized_variables, tf.is_variable_initialized."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from varscope import _core
from varscope.collections_ import global_variables, local_variables
from varscope.feeders import Run, Source
from varscope.strings.tensors import outputs, string


class _Initialized(Source):
    """Whether each of some variables has a value."""

    def __init__(self, variables: Iterable[_core.Variable]) -> None:
        self._parts = [part for variable in variables for part in variable.parts]

    def take(self, run: Run) -> list[Any]:
        return [np.array(run.session.core.have_values(self._parts), bool)]


class _Missing(_Initialized):
    """The names of those that have none."""

    def take(self, run: Run) -> list[Any]:
        [there] = super().take(run)
        return [np.array([part.op.name.encode() for part, is_there in zip(self._parts, there)
                          if not is_there], object)]


def report_uninitialized_variables(var_list: Iterable[_core.Variable] | None = None,
                                   name: str = "report_uninitialized_variables") -> Any:
    """Returns the names of those variables that have no value yet, of all global and local ones if
    var_list is None."""
    every = [*global_variables(), *local_variables()] if var_list is None else list(var_list)
    return outputs(_Missing(every), [(string, [-1])], name)[0]


def is_variable_initialized(variable: _core.Variable) -> _core.Tensor:
    """Returns whether a variable has a value."""
    truths = outputs(_Initialized([variable]), [(_core.as_dtype("bool"), [-1])],
                     "IsVariableInitialized")[0]
    return truths[0]
