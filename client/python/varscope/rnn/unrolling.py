"""What runs a cell over the steps of sequences. A number of steps that is known when the graph is
built becomes so many copies of the cell's ops; another one becomes a loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from varscope import _core, seeds
from varscope.compat import v1 as tf
from varscope.ops import convert_to_tensor
from varscope.rnn import loop, states
from varscope.rnn.cells import RNNCell
from varscope.scopes import variable_scope


def static_rnn(cell: RNNCell, inputs: Sequence[Any], initial_state: Any = None, dtype: Any = None,
               sequence_length: Any = None, scope: Any = None) -> tuple[list[Any], Any]:
    """Returns the outputs of all steps, and the last state. `inputs` is a list of [batch, depth]."""
    if not isinstance(inputs, (list, tuple)):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    with variable_scope(scope or "rnn"):
        state = _first_state(cell, initial_state, dtype, inputs[0], 0)
        return steps(cell, list(inputs), state, sequence_length)


def steps(cell: RNNCell, inputs: list[Any], state: Any, sequence_length: Any,
          as_loop: bool = False) -> tuple[list[Any], Any]:
    """Runs the cell over a list; past a sequence's end outputs are 0 and the state stays. `as_loop`:
    what a cell draws at random is another number in each step, as in a loop."""
    begun = seeds.seeds_given()
    length = None if sequence_length is None else _core.cast(
        convert_to_tensor(sequence_length), "int32")
    outputs = []
    for number, step in enumerate(inputs):
        with seeds.step_of_loop(number if as_loop else 0, begun):
            output, new = cell(step, state)
        if length is not None:
            active = _core.greater(length, number)
            output = states.where_active(active, output, states.mapped(_core.zeros_like, output))
            new = states.where_active(active, new, state)
        outputs.append(output)
        state = new
    return outputs, state


def _first_state(cell: RNNCell, initial_state: Any, dtype: Any, inputs: Any, axis: int) -> Any:
    """The state before the first step: zeros for as many sequences as there are along the axis."""
    if initial_state is not None:
        return initial_state
    if dtype is None:
        raise ValueError("If there is no initial_state, you must give a dtype.")
    count = inputs.shape.as_list()[axis]
    if count is not None:
        return cell.zero_state(count, dtype)
    return states.zeros_beside(cell.state_size, inputs, axis, dtype)


def dynamic_rnn(cell: RNNCell, inputs: Any, sequence_length: Any = None, initial_state: Any = None,
                dtype: Any = None, parallel_iterations: int | None = None,
                swap_memory: bool = False, time_major: bool = False,
                scope: Any = None) -> tuple[Any, Any]:
    """Returns the outputs, [batch, time, size], and the last state.

    With time_major inputs and outputs are [time, batch, size].
    """
    inputs = convert_to_tensor(inputs)
    axis = 0 if time_major else 1
    with variable_scope(scope or "rnn"):
        state = _first_state(cell, initial_state, dtype, inputs, 1 - axis)
        if inputs.shape.as_list()[axis] is None:
            return loop.run(cell, inputs, state, sequence_length, axis)
        outputs, state = steps(cell, tf.unstack(inputs, axis=axis), state, sequence_length,
                               as_loop=True)
        return states.mapped(lambda *parts: _core.stack(list(parts), axis), *outputs), state


def bidirectional_dynamic_rnn(cell_fw: RNNCell, cell_bw: RNNCell, inputs: Any,
                              sequence_length: Any = None, initial_state_fw: Any = None,
                              initial_state_bw: Any = None, dtype: Any = None,
                              parallel_iterations: int | None = None, swap_memory: bool = False,
                              time_major: bool = False,
                              scope: Any = None) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Returns the outputs and the last states of two cells, of which one runs backwards."""
    with variable_scope(scope or "bidirectional_rnn"):
        forward, state_fw = dynamic_rnn(cell_fw, inputs, sequence_length, initial_state_fw, dtype,
                                        time_major=time_major, scope="fw")
        backward, state_bw = dynamic_rnn(
            cell_bw, _reversed(inputs, sequence_length, time_major), sequence_length,
            initial_state_bw, dtype, time_major=time_major, scope="bw")
        backward = _reversed(backward, sequence_length, time_major)
        return (forward, backward), (state_fw, state_bw)


def _reversed(x: Any, sequence_length: Any, time_major: bool) -> Any:
    time, batch = (0, 1) if time_major else (1, 0)
    if sequence_length is None:
        return tf.reverse(x, [time])
    return tf.reverse_sequence(x, sequence_length, seq_axis=time, batch_axis=batch)


def static_bidirectional_rnn(cell_fw: RNNCell, cell_bw: RNNCell, inputs: Sequence[Any],
                             initial_state_fw: Any = None, initial_state_bw: Any = None,
                             dtype: Any = None, sequence_length: None = None,
                             scope: Any = None) -> tuple[list[Any], Any, Any]:
    """Returns the outputs of both directions side by side, and both last states."""
    if sequence_length is not None:
        raise NotImplementedError("static_bidirectional_rnn: varscope has no 'sequence_length'")
    with variable_scope(scope or "bidirectional_rnn"):
        forward, state_fw = static_rnn(cell_fw, inputs, initial_state_fw, dtype, scope="fw")
        backward, state_bw = static_rnn(cell_bw, list(inputs)[::-1], initial_state_bw, dtype,
                                        scope="bw")
        joined = [_core._concat([a, b], 1, None) for a, b in zip(forward, backward[::-1])]
        return joined, state_fw, state_bw
