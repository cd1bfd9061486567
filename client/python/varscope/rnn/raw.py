"""tf.nn.raw_rnn: a cell whose inputs, states and outputs a function gives, step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core
from varscope.control_flow import flatten, pack_like, while_loop
from varscope.counting import reduce_all
from varscope.ops import convert_to_tensor
from varscope.rnn import states
from varscope.scopes import variable_scope
from varscope.tensor_arrays import TensorArray


def raw_rnn(cell: Any, loop_fn: Callable[..., Any], parallel_iterations: int | None = None,
            swap_memory: bool = False, scope: Any = None) -> tuple[Any, Any, Any]:
    """Returns the outputs as arrays, the last state and the last loop state. `loop_fn(time, output,
    state, loop_state)` returns (finished, next input, next state, output, loop state); first it is
    called without an output and a state, and its output says what form outputs have."""
    with variable_scope(scope or "rnn"):
        time = convert_to_tensor(0)
        finished, inputs, state, form, loop_state = loop_fn(time, None, None, None)
        form = cell.output_size if form is None else form
        has_loop_state = loop_state is not None
        batch = _core.shape(flatten(inputs)[0])[0]
        zeros = [_zeros(part, batch, flatten(inputs)[0].dtype) for part in flatten(form)]
        arrays = [TensorArray(zero.dtype, 0, dynamic_size=True, element_shape=zero.shape)
                  for zero in zeros]

        def body(time: Any, finished: Any, inputs: Any, arrays: Any, state: Any,
                 loop_state: Any) -> Any:
            made, new = cell(inputs, state)
            done, following, new, emitted, new_loop = loop_fn(
                time + 1, made, new, loop_state if has_loop_state else None)
            active = _core.logical_not(finished)
            outputs = [states.where_active(active, one, _core.zeros_like(one))
                       for one in flatten(made if emitted is None else emitted)]
            new = states.where_active(active, new, state)
            arrays = [array.write(time, one) for array, one in zip(arrays, outputs)]
            return (time + 1, _core.logical_or(done, finished), following, arrays, new,
                    new_loop if has_loop_state else loop_state)

        _, _, _, arrays, state, loop_state = while_loop(
            lambda time, finished, *_: _core.logical_not(reduce_all(finished)), body,
            [time, finished, inputs, arrays, state, loop_state if has_loop_state else time])
        return pack_like(form, arrays), state, loop_state if has_loop_state else None


def _zeros(part: Any, batch: Any, dtype: Any) -> Any:
    """What an output of this form is, as far as its dtype and shape are asked for."""
    if isinstance(part, (_core.Tensor, _core.Variable)):
        size, dtype = part.shape.as_list(), part.dtype
    else:
        size = [part] if isinstance(part, int) else list(part)
    made = _core.zeros([1, *size], dtype)
    made = _core._tile_by(made, _core.stack([batch, *[1] * len(size)]), None)
    made.set_shape([None, *size])
    return made
