"""Variables of strings: the program's own. The store has none, and a checkpoint has none."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core, graph_data, shapes
from varscope.feeders import Run, Source
from varscope.scopes import AUTO_REUSE, name_scope
from varscope.strings.tensors import StringTensor, bytes_of, is_string, is_text, scoped, to_text


class _Present(Source):
    """What a variable's strings are now."""

    def __init__(self, text: Any) -> None:
        self.text = text

    def take(self, run: Run) -> list[Any]:
        return [self.text]


class _Assigned(Source):
    """What a run assigns."""

    def __init__(self, present: _Present, given: StringTensor) -> None:
        self._present, self._given = present, given

    def take(self, run: Run) -> list[Any]:
        self._present.text = self._given.value(run)
        return [self._present.text]


class StringVariable(StringTensor):
    """Strings that a program assigns; those of the beginning are there at once."""

    def __init__(self, name: str, text: Any) -> None:
        self._present = _Present(text)
        super().__init__(name, list(np.shape(text)), self._present)

    @property
    def initializer(self) -> _core.Operation:
        """Nothing: it has its value."""
        return _core.no_op()

    def assign(self, value: Any) -> StringTensor:
        """Returns the strings after a run has assigned them."""
        given = to_text(value)
        return StringTensor(scoped(f"{self._name}/Assign"), self._dims,
                            _Assigned(self._present, given))

    def initialized_value(self) -> StringTensor:
        """Its value."""
        return self

    read_value = initialized_value


def is_of_strings(dtype: Any, initial: Any) -> bool:
    """Whether a variable of this dtype, or with this first value, is one of strings."""
    return (dtype is not None and is_string(dtype)) or isinstance(initial, StringTensor) or (
        is_text(initial))


def variable(initial: Any, name: str | None) -> StringVariable:
    """Returns a new one, of a new name."""
    return StringVariable(scoped(name or "Variable"), _text(initial, None))


def get_variable(full_name: str, shape: Any, initial: Any, reuse: Any) -> StringVariable:
    """Returns the one of this name; empty strings without a first value. ValueError where another
    variable would be one: for a name that is there, or is not, as the scope's reuse says."""
    known = graph_data.of_default().string_variables
    reuse = _core.get_variable_scope().reuse if reuse is None else reuse
    if full_name in known:
        if not reuse:
            raise ValueError(f"Variable {full_name} already exists, disallowed. Did you mean to set "
                             "reuse=True or reuse=tf.AUTO_REUSE in VarScope?")
        text, dims = known[full_name]
        made = StringVariable(full_name, text.text)
        made.source = made._present = text
        made._dims = dims
        return made
    if reuse is True and reuse is not AUTO_REUSE:
        raise ValueError(f"Variable {full_name} does not exist, or was not created with "
                         "tf.get_variable(). Did you mean to set reuse=tf.AUTO_REUSE in VarScope?")
    with name_scope(None):
        made = StringVariable(scoped(full_name), _text(initial, shape))
    known[full_name] = made._present, made._dims
    return made


def _text(initial: Any, shape: Any) -> Any:
    """The strings of the beginning."""
    if isinstance(initial, StringTensor):
        return initial.value(Run(None))
    if is_text(initial):
        return bytes_of(initial)
    dims = shapes.dims_of(shape) or []
    return bytes_of(np.full(dims, b"", object))
