"""Several layers of cells in both directions: each layer has both outputs of the one below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from varscope import _core
from varscope.rnn.cells import RNNCell
from varscope.rnn.unrolling import bidirectional_dynamic_rnn, static_bidirectional_rnn
from varscope.scopes import variable_scope


def _at(states: Any, number: int) -> Any:
    return None if states is None else states[number]


def _check(cells_fw: Sequence[RNNCell], cells_bw: Sequence[RNNCell]) -> None:
    if len(cells_fw) != len(cells_bw) or not cells_fw:
        raise ValueError("Forward and Backward cells must have the same depth.")


def stack_bidirectional_dynamic_rnn(
        cells_fw: Sequence[RNNCell], cells_bw: Sequence[RNNCell], inputs: Any,
        initial_states_fw: Any = None, initial_states_bw: Any = None, dtype: Any = None,
        sequence_length: Any = None, parallel_iterations: int | None = None,
        time_major: bool = False, scope: Any = None,
        swap_memory: bool = False) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """Returns the outputs of the last layer, both side by side, and all layers' last states of each
    direction."""
    _check(cells_fw, cells_bw)
    states: tuple[list[Any], list[Any]] = ([], [])
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for number, cells in enumerate(zip(cells_fw, cells_bw)):
            with variable_scope(f"cell_{number}"):
                outputs, last = bidirectional_dynamic_rnn(
                    *cells, inputs, sequence_length, _at(initial_states_fw, number),
                    _at(initial_states_bw, number), dtype, time_major=time_major)
                inputs = _core._concat(list(outputs), 2, None)
            for kept, one in zip(states, last):
                kept.append(one)
    return inputs, tuple(states[0]), tuple(states[1])


def stack_bidirectional_rnn(
        cells_fw: Sequence[RNNCell], cells_bw: Sequence[RNNCell], inputs: Sequence[Any],
        initial_states_fw: Any = None, initial_states_bw: Any = None, dtype: Any = None,
        sequence_length: Any = None,
        scope: Any = None) -> tuple[list[Any], tuple[Any, ...], tuple[Any, ...]]:
    """The same of a list of steps."""
    _check(cells_fw, cells_bw)
    states: tuple[list[Any], list[Any]] = ([], [])
    made = list(inputs)
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for number, cells in enumerate(zip(cells_fw, cells_bw)):
            with variable_scope(f"cell_{number}"):
                made, *last = static_bidirectional_rnn(
                    *cells, made, _at(initial_states_fw, number),
                    _at(initial_states_bw, number), dtype, sequence_length)
            for kept, one in zip(states, last):
                kept.append(one)
    return made, tuple(states[0]), tuple(states[1])
