"""A cell over a number of steps that is known in a run alone."""

from __future__ import annotations

from typing import Any

from varscope.rnn.cells import RNNCell


def run(cell: RNNCell, inputs: Any, state: Any, sequence_length: Any,
        axis: int) -> tuple[Any, Any]:
    """Returns the outputs and the last state."""
    raise NotImplementedError("dynamic_rnn: varscope needs to know the number of steps when the "
                              "graph is built")
