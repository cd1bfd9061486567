"""A cell over a number of steps that is known in a run alone."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.control_flow import flatten, pack_like, while_loop
from varscope.ops import convert_to_tensor
from varscope.rnn import states
from varscope.rnn.cells import RNNCell


def run(cell: RNNCell, inputs: Any, state: Any, sequence_length: Any,
        axis: int) -> tuple[Any, Any]:
    """Returns the outputs and the last state. The steps are the inputs' dimension `axis`, 0 or 1."""
    steps = inputs if axis == 0 else transpose_batch_time(inputs)
    kind = steps.dtype, steps.shape.as_list()[1:]
    length = None if sequence_length is None else _core.cast(
        convert_to_tensor(sequence_length), "int32")
    made: list[Any] = []

    def body(number: Any, rest: Any, lists: Any, state: Any) -> Any:
        rest, step = _core.list_pop(rest, *kind)
        output, new = cell(step, state)
        if length is not None:
            active = _core.greater(length, number)
            output = states.where_active(active, output, states.mapped(_core.zeros_like, output))
            new = states.where_active(active, new, state)
        made[:] = [(x.dtype, x.shape) for x in flatten(output)]
        lists = [_core.list_push(own, x) for own, x in zip(lists, flatten(output), strict=True)]
        return number + 1, rest, lists, new

    count = _core.shape(steps)[0]
    form = cell.output_size
    empty = [_core.list_empty() for _ in states.leaves(form)]
    _, _, lists, state = while_loop(
        lambda number, *_: _core.less(number, count), body,
        [0, _core.list_of_rows(steps), empty, state])
    outputs = [_core.list_stack(own, dtype, shape) for own, (dtype, shape) in zip(lists, made)]
    if axis == 1:
        outputs = [transpose_batch_time(x) for x in outputs]
    return pack_like(form, outputs), state


def transpose_batch_time(x: _core.Tensor) -> _core.Tensor:
    """Changes the places of the first two dimensions."""
    return _core.transpose(x, [1, 0, *range(2, len(x.shape))])
