"""Decoders of legacy_seq2seq, which are lists of steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from varscope.rnn.cells import RNNCell
from varscope.rnn.unrolling import static_rnn
from varscope.scopes import variable_scope


def rnn_decoder(decoder_inputs: Sequence[Any], initial_state: Any, cell: RNNCell,
                loop_function: Callable | None = None,
                scope: Any = None) -> tuple[list[Any], Any]:
    """Runs the cell over the inputs; with a loop_function over what it makes of each output."""
    with variable_scope(scope or "rnn_decoder"):
        state, outputs = initial_state, []
        for number, step in enumerate(decoder_inputs):
            if loop_function is not None and outputs:
                with variable_scope("loop_function", reuse=True):
                    step = loop_function(outputs[-1], number)
            output, state = cell(step, state)
            outputs.append(output)
        return outputs, state


def basic_rnn_seq2seq(encoder_inputs: Sequence[Any], decoder_inputs: Sequence[Any], cell: RNNCell,
                      dtype: Any = "float32", scope: Any = None) -> tuple[list[Any], Any]:
    """An encoder and a decoder of one kind of cell."""
    import copy
    with variable_scope(scope or "basic_rnn_seq2seq"):
        _, state = static_rnn(copy.copy(cell), encoder_inputs, dtype=dtype)
        return rnn_decoder(decoder_inputs, state, cell)
