"""Beam search: the best sequences, of which each step keeps so many."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from varscope import _core
from varscope.compat import v1 as tf
from varscope.control_flow import cond, while_loop
from varscope.counting import reduce_all
from varscope.ops import convert_to_tensor
from varscope.rnn import states
from varscope.seq2seq.decoder import Decoder
from varscope.seq2seq.helpers import embedded_by
from varscope.shapes import TensorShape
from varscope.tensor_arrays import TensorArray


class BeamSearchDecoderState(NamedTuple):
    """The state of a BeamSearchDecoder: tensors are [batch, beams, ...]."""

    cell_state: Any
    log_probs: Any
    finished: Any
    lengths: Any
    accumulated_attention_probs: Any = ()


class BeamSearchDecoderOutput(NamedTuple):
    """One step of a BeamSearchDecoder."""

    scores: Any
    predicted_ids: Any
    parent_ids: Any


class FinalBeamSearchDecoderOutput(NamedTuple):
    """What dynamic_decode returns of a BeamSearchDecoder: sequences, [batch, time, beams]."""

    predicted_ids: Any
    beam_search_decoder_output: Any


class BeamSearchDecoder(Decoder):
    """A cell that says the classes of `beam_width` sequences at once. Its first state is that of
    tile_batch(..., beam_width)."""

    def __init__(self, cell: Any, embedding: Any, start_tokens: Any, end_token: Any,
                 initial_state: Any, beam_width: int, output_layer: Any = None,
                 length_penalty_weight: float = 0.0, coverage_penalty_weight: float = 0.0,
                 reorder_tensor_arrays: bool = True) -> None:
        if coverage_penalty_weight:
            raise NotImplementedError("BeamSearchDecoder: varscope has no "
                                      "'coverage_penalty_weight'")
        self._cell = cell
        self._embed = embedded_by(embedding)
        self._end = _core.cast(convert_to_tensor(end_token), "int32")
        self._beams = beam_width
        self._layer = output_layer
        self._penalty = length_penalty_weight
        start = _core.cast(convert_to_tensor(start_tokens), "int32")
        known = start.shape.as_list()[0]
        self._batch = _core.shape(start)[0] if known is None else known
        self._inputs = self._embed(tf.tile(tf.expand_dims(start, 1), [1, beam_width]))
        self._state = states.mapped(self._split, initial_state)

    @property
    def batch_size(self) -> Any:
        return self._batch

    @property
    def output_size(self) -> BeamSearchDecoderOutput:
        size = TensorShape([self._beams])
        return BeamSearchDecoderOutput(size, size, size)

    @property
    def output_dtype(self) -> BeamSearchDecoderOutput:
        whole = _core.as_dtype("int32")
        return BeamSearchDecoderOutput(_core.as_dtype("float32"), whole, whole)

    @property
    def tracks_own_finished(self) -> bool:
        """Beams change their places: what one calls finished holds."""
        return True

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        first = tf.tile([[True] + [False] * (self._beams - 1)], [self._batch, 1])
        zeros = tf.zeros([self._batch, self._beams], "float32")
        log_probs = tf.where(first, zeros, zeros - np.inf)
        finished = _core.logical_not(first)
        lengths = tf.zeros([self._batch, self._beams], "int64")
        return finished, self._inputs, BeamSearchDecoderState(self._state, log_probs, finished,
                                                              lengths)

    def step(self, time: Any, inputs: Any, state: Any,
             name: str | None = None) -> tuple[Any, Any, Any, Any]:
        outputs, cell_state = self._cell(states.mapped(_merged, inputs),
                                         states.mapped(_merged, state.cell_state))
        if self._layer is not None:
            outputs = self._layer(outputs)
        made, new = self._best(self._split(outputs), states.mapped(self._split, cell_state), state)
        following = cond(reduce_all(new.finished), lambda: _core.identity(self._inputs),
                         lambda: self._embed(made.predicted_ids))
        following.set_shape(self._inputs.shape)
        return made, new, following, new.finished

    def _best(self, logits: Any, cell_state: Any, state: Any) -> tuple[Any, Any]:
        """The sequences that go on, of all that each beam may go on to."""
        classes = logits.shape.as_list()[-1]
        ends = tf.one_hot(self._end, classes)
        # A finished sequence goes on to its end alone.
        stays = tf.where(_core.greater(ends, 0), tf.zeros([classes]),
                         tf.fill([classes], np.finfo(np.float32).min))
        steps = tf.nn.log_softmax(logits)
        over = tf.tile(tf.expand_dims(state.finished, 2), [1, 1, classes])
        steps = tf.where(over, _core.zeros_like(steps) + stays, steps)
        totals = tf.expand_dims(state.log_probs, 2) + steps
        longer = (1 - _core.cast(ends, "int64")) * tf.expand_dims(
            _core.cast(_core.logical_not(state.finished), "int64"), 2)
        scores = totals / self._penalties(longer + tf.expand_dims(state.lengths, 2))
        flat = [self._batch, self._beams * classes]
        best, places = tf.nn.top_k(tf.reshape(scores, flat), self._beams)
        ids, parents = _core.floormod(places, classes), _core.floordiv(places, classes)
        finished = self._taken(state.finished, parents)
        lengths = self._taken(state.lengths, parents) + _core.cast(
            _core.logical_not(finished), "int64")
        log_probs = self._taken(tf.reshape(totals, flat), places)
        new = BeamSearchDecoderState(
            states.mapped(lambda x: self._taken(x, parents), cell_state), log_probs,
            _core.logical_or(finished, _core.equal(ids, self._end)), lengths)
        return BeamSearchDecoderOutput(best, ids, parents), new

    def _penalties(self, lengths: Any) -> Any:
        if not self._penalty:
            return 1.0
        return ((5.0 + _core.cast(lengths, "float32")) / 6.0) ** self._penalty

    def _split(self, x: Any) -> Any:
        """[batch * beams, ...] as [batch, beams, ...]; numbers and arrays as they are."""
        if isinstance(x, TensorArray) or x.shape.ndims == 0:
            return x
        others = x.shape.as_list()[1:]
        return _reshaped(x, [self._batch, self._beams], others, _core.shape(x)[1:])

    def _taken(self, x: Any, places: Any) -> Any:
        """The beams of these numbers, [batch, beams]."""
        if isinstance(x, TensorArray) or x.shape.ndims == 0:
            return x
        rows = tf.tile(tf.expand_dims(tf.range(self._batch), 1), [1, self._beams])
        made = tf.gather_nd(x, _core.stack([rows, places], 2))
        made.set_shape([x.shape.as_list()[0], self._beams, *x.shape.as_list()[2:]])
        return made

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> tuple[Any, Any]:
        longest = _core.cast(_core.reduce_max(final_state.lengths, 1), "int32")
        ids = gather_tree(outputs.predicted_ids, outputs.parent_ids, longest, self._end)
        return FinalBeamSearchDecoderOutput(ids, outputs), final_state


def _merged(x: Any) -> Any:
    """[batch, beams, ...] as [batch * beams, ...]."""
    if isinstance(x, TensorArray) or x.shape.ndims == 0:
        return x
    return _reshaped(x, [-1], x.shape.as_list()[2:], _core.shape(x)[2:])


def _reshaped(x: Any, front: list[Any], others: list[Any], dims: Any) -> Any:
    """The tensor with other first dimensions; of the rest what is known stays known."""
    made = tf.reshape(x, tf.concat([_core.stack([_core.cast(n, "int32") for n in front]), dims], 0))
    made.set_shape([*(n if isinstance(n, int) and n >= 0 else None for n in front), *others])
    return made


def gather_tree(step_ids: Any, parent_ids: Any, max_sequence_lengths: Any,
                end_token: Any) -> _core.Tensor:
    """Returns whole sequences, [time, batch, beams], of the steps' classes and of the beams that they
    came from; after a sequence's end all are end_token."""
    ids, parents = convert_to_tensor(step_ids), convert_to_tensor(parent_ids)
    dims = _core.shape(ids)
    steps, batch, beams = dims[0], dims[1], dims[2]
    rows = tf.tile(tf.expand_dims(tf.range(batch), 1), [1, beams])
    own = tf.tile(tf.expand_dims(tf.range(beams), 0), [batch, 1])
    ends = tf.fill([batch, beams], _core.cast(end_token, "int32"))
    length = tf.tile(tf.expand_dims(max_sequence_lengths, 1), [1, beams])

    def body(left: Any, made: Any, beam: Any) -> Any:
        at = left - 1
        places, inside = _core.stack([rows, beam], 2), _core.less(at, length)
        made = made.write(at, tf.where(inside, tf.gather_nd(tf.gather(ids, at), places), ends))
        before = tf.where(inside, tf.gather_nd(tf.gather(parents, at), places), beam)
        return at, made, before

    _, made, _ = while_loop(lambda left, *_: _core.greater(left, 0), body,
                            [steps, TensorArray("int32", steps), own],
                            [[], None, [None, None]])
    made = made.stack()
    ended = tf.cumsum(_core.cast(_core.equal(made, end_token), "int32"), 0, exclusive=True)
    made = tf.where(_core.greater(ended, 0), _core.zeros_like(made) + end_token, made)
    made.set_shape([None, *ids.shape.as_list()[1:]])
    return made
