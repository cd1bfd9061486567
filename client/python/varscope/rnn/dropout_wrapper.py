"""A cell around another one that drops inputs, outputs or states at random."""

from __future__ import annotations

import hashlib
from typing import Any

from varscope import _core
from varscope.compat import v1 as tf
from varscope.rnn.cells import RNNCell
from varscope.rnn.states import LSTMStateTuple
from varscope.rnn.wrappers import Wrapper


class DropoutWrapper(Wrapper):
    """Drops inputs, outputs or states of a cell at random: in each step others, or, with
    variational_recurrent, in all steps of a run, and of all sequences, the same."""

    def __init__(self, cell: RNNCell, input_keep_prob: Any = 1.0, output_keep_prob: Any = 1.0,
                 state_keep_prob: Any = 1.0, variational_recurrent: bool = False,
                 input_size: Any = None, dtype: Any = None, seed: int | None = None) -> None:
        super().__init__(cell)
        for what, keep in (("input", input_keep_prob), ("output", output_keep_prob),
                           ("state", state_keep_prob)):
            if isinstance(keep, (int, float)) and not 0.0 <= keep <= 1.0:
                raise ValueError(f"Parameter {what}_keep_prob must be between 0 and 1: {keep}")
        self._keep = input_keep_prob, output_keep_prob, state_keep_prob
        self._seed = seed
        self._variational = variational_recurrent
        self._masks: dict[tuple[str, int], _core.Tensor] = {}
        if variational_recurrent:
            if dtype is None:
                raise ValueError("When variational_recurrent=True, dtype must be provided")
            if not _is_one(input_keep_prob) and input_size is None:
                raise ValueError("When variational_recurrent=True and input_keep_prob < 1.0 or is "
                                 "unknown, input_size must be provided")
            # Drawn here, outside of any loop: once for all steps.
            for what, size, keep in (("input", input_size, input_keep_prob),
                                     ("state", cell.state_size, state_keep_prob),
                                     ("output", cell.output_size, output_keep_prob)):
                if not _is_one(keep):
                    self._draw(what, size, dtype, [0])

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> tuple[Any, Any]:
        """Returns the output and the next state."""
        output, new = self._cell(self._dropped(inputs, 0, "input", [0]), state, scope)
        return self._dropped(output, 1, "output", [0]), self._dropped(new, 2, "state", [0])

    def _dropped(self, x: Any, which: int, what: str, count: list[int]) -> Any:
        """`count` numbers the tensors of a state, of which an LSTM's cells are never dropped."""
        if _is_one(self._keep[which]):
            return x
        if isinstance(x, LSTMStateTuple):
            count[0] += 1
            return LSTMStateTuple(x.c, self._dropped(x.h, which, what, count))
        if isinstance(x, (list, tuple)):
            return type(x)(self._dropped(part, which, what, count) for part in x)
        number, keep = count[0], self._keep[which]
        count[0] += 1
        if not self._variational:
            return tf.nn.dropout(x, keep, seed=self._seed_of(what, number))
        stays = _core.floor(_core.add(self._masks[what, number], keep))
        return _core.multiply(_core.divide(x, keep), stays)

    def _draw(self, what: str, size: Any, dtype: Any, count: list[int]) -> None:
        if isinstance(size, (list, tuple)):
            for part in size:
                self._draw(what, part, dtype, count)
            return
        drawn = tf.random_uniform([1, int(size)], dtype=dtype, seed=self._seed_of(what, count[0]))
        self._masks[what, count[0]] = drawn
        count[0] += 1

    def _seed_of(self, what: str, number: int) -> int | None:
        """TensorFlow's seed for what is dropped there: one seed would drop everywhere the same."""
        if self._seed is None:
            return None
        text = f"{self._seed}{what}_{number}".encode()
        return int(hashlib.md5(text).hexdigest()[:8], 16) & 0x7FFFFFFF


def _is_one(keep: Any) -> bool:
    return isinstance(keep, (int, float)) and keep >= 1
