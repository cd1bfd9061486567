"""Cells around other cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core, initializers
from varscope.rnn.cells import RNNCell


class Wrapper(RNNCell):
    """A cell around another one."""

    def __init__(self, cell: RNNCell) -> None:
        super().__init__()
        self._cell = cell

    @property
    def state_size(self) -> Any:
        return self._cell.state_size

    @property
    def output_size(self) -> Any:
        return self._cell.output_size

    @property
    def variables(self) -> list[_core.Variable]:
        return [*super().variables, *self._cell.variables]

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Returns the cell's zero state."""
        return self._cell.zero_state(batch_size, dtype)


class ResidualWrapper(Wrapper):
    """Adds a cell's input to its output."""

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> tuple[Any, Any]:
        """Returns the output and the next state."""
        output, new = self._cell(inputs, state, scope)
        return inputs + output, new


class OutputProjectionWrapper(Wrapper):
    """A linear layer above a cell."""

    _default_name = "output_projection_wrapper"

    def __init__(self, cell: RNNCell, output_size: int, activation: Callable | None = None,
                 reuse: Any = None) -> None:
        super().__init__(cell)
        self._reuse = reuse
        self._output_size = output_size
        self._activation = activation

    @property
    def output_size(self) -> int:
        return self._output_size

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        output, new = self._cell(inputs, state)
        projected = self._linear("", [output], self._output_size)
        return (self._activation(projected) if self._activation else projected), new


class InputProjectionWrapper(Wrapper):
    """A linear layer below a cell."""

    _default_name = "input_projection_wrapper"

    def __init__(self, cell: RNNCell, num_proj: int, activation: Callable | None = None,
                 input_size: Any = None, reuse: Any = None) -> None:
        super().__init__(cell)
        self._reuse = reuse
        self._num_proj = num_proj
        self._activation = activation

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        projected = self._linear("", [inputs], self._num_proj)
        if self._activation:
            projected = self._activation(projected)
        return self._cell(projected, state)


class EmbeddingWrapper(Wrapper):
    """Rows of a matrix, by number, below a cell."""

    _default_name = "embedding_wrapper"

    def __init__(self, cell: RNNCell, embedding_classes: int, embedding_size: int,
                 initializer: Any = None, reuse: Any = None) -> None:
        super().__init__(cell)
        self._reuse = reuse
        self._shape = [embedding_classes, embedding_size]
        self._initializer = initializer or initializers.RandomUniform(-3.0**0.5, 3.0**0.5)

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        matrix = self._weight("embedding", self._shape, "float32", self._initializer)
        rows = _core.nn._embedding_lookup(matrix, _core.reshape(inputs, [-1]))
        return self._cell(rows, state)
