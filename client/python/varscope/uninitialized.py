"""Which variables have no value yet: tf.report_uninitialized_variables, tf.is_variable_initialized."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from varscope import _core, errors
from varscope.collections_ import global_variables, local_variables
from varscope.feeders import Run, Source
from varscope.strings.tensors import outputs, string


class _Initialized(Source):
    """Whether each of some variables, by their names in the store, has a value."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def take(self, run: Run) -> list[Any]:
        return [np.array([_has_value(run.session, name) for name in self._names], bool)]


class _Missing(_Initialized):
    """The names of those that have none."""

    def take(self, run: Run) -> list[Any]:
        [there] = super().take(run)
        return [np.array([name.encode() for name, is_there in zip(self._names, there)
                          if not is_there], object)]


def _has_value(session: Any, name: str) -> bool:
    try:
        session.read(name)
    except (errors.FailedPreconditionError, errors.NotFoundError):
        return False
    return True


def _names_of(variables: Iterable[_core.Variable]) -> list[str]:
    return [part.op.name for variable in variables for part in variable.parts]


def report_uninitialized_variables(var_list: Iterable[_core.Variable] | None = None,
                                   name: str = "report_uninitialized_variables") -> Any:
    """Returns the names of those variables that have no value yet, of all global and local ones if
    var_list is None."""
    every = [*global_variables(), *local_variables()] if var_list is None else list(var_list)
    return outputs(_Missing(_names_of(every)), [(string, [-1])], name)[0]


def is_variable_initialized(variable: _core.Variable) -> _core.Tensor:
    """Returns whether a variable has a value."""
    truths = outputs(_Initialized(_names_of([variable])), [(_core.as_dtype("bool"), [-1])],
                     "IsVariableInitialized")[0]
    return truths[0]
