"""tf.contrib.crf: conditional random fields over sequences of tags."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core
from varscope.compat import v1 as tf
from varscope.ops import convert_to_tensor
from varscope.rnn.cells import RNNCell
from varscope.rnn.unrolling import dynamic_rnn
from varscope.variables import get_variable


def crf_sequence_score(inputs: Any, tag_indices: Any, sequence_lengths: Any,
                       transition_params: Any) -> _core.Tensor:
    """Returns the score of each sequence of tags: of its tags, and of each tag after another."""
    score = crf_unary_score(tag_indices, sequence_lengths, inputs) + crf_binary_score(
        tag_indices, sequence_lengths, transition_params)
    some = _core.greater(sequence_lengths, 0)
    return tf.where(some, score, _core.zeros_like(score))


def crf_unary_score(tag_indices: Any, sequence_lengths: Any, inputs: Any) -> _core.Tensor:
    """Returns the sum of what the inputs, [batch, time, tags], say of each sequence's tags."""
    inputs, tags = convert_to_tensor(inputs), _core.cast(tag_indices, "int32")
    count, dims = inputs.shape.as_list()[2], _core.shape(inputs)
    steps = tf.reshape(tf.range(dims[0] * dims[1]), [dims[0], dims[1]])
    places = steps * count + tags
    scores = tf.gather(tf.reshape(inputs, [-1]), places)
    return _core.reduce_sum(scores * _mask(sequence_lengths, dims[1], inputs.dtype), 1)


def crf_binary_score(tag_indices: Any, sequence_lengths: Any,
                     transition_params: Any) -> _core.Tensor:
    """Returns the sum of what the transitions, [tags, tags], say of each tag and the next one."""
    transitions, tags = convert_to_tensor(transition_params), _core.cast(tag_indices, "int32")
    count = transitions.shape.as_list()[0]
    pairs = tags[:, :-1] * count + tags[:, 1:]
    scores = tf.gather(tf.reshape(transitions, [-1]), pairs)
    mask = _mask(_less_one(sequence_lengths), _core.shape(tags)[1] - 1, transitions.dtype)
    return _core.reduce_sum(scores * mask, 1)


def _mask(lengths: Any, steps: Any, dtype: Any) -> _core.Tensor:
    return tf.sequence_mask(_core.cast(lengths, "int32"), steps, dtype)


def _less_one(lengths: Any) -> _core.Tensor:
    return _core.maximum(_core.cast(lengths, "int32") - 1, 0)


class CrfForwardRnnCell(RNNCell):
    """One step of the sum over all sequences, as logarithms."""

    def __init__(self, transition_params: Any) -> None:
        super().__init__()
        self._transitions = tf.expand_dims(convert_to_tensor(transition_params), 0)
        self._count = self._transitions.shape.as_list()[1]

    @property
    def state_size(self) -> int:
        return self._count

    @property
    def output_size(self) -> int:
        return self._count

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> tuple[Any, Any]:
        scores = tf.expand_dims(state, 2) + self._transitions
        new = inputs + _core.reduce_logsumexp(scores, [1])
        return new, new


def crf_log_norm(inputs: Any, sequence_lengths: Any, transition_params: Any) -> _core.Tensor:
    """Returns the logarithm of the sum of the exponentials of the scores of all sequences."""
    inputs = convert_to_tensor(inputs)
    last = inputs[:, 0]
    if inputs.shape.as_list()[1] != 1:
        _, last = dynamic_rnn(CrfForwardRnnCell(transition_params), inputs[:, 1:],
                              _less_one(sequence_lengths), last)
    norm = _core.reduce_logsumexp(last, [1])
    return tf.where(_core.less_equal(sequence_lengths, 0), _core.zeros_like(norm), norm)


def crf_log_likelihood(inputs: Any, tag_indices: Any, sequence_lengths: Any,
                       transition_params: Any = None) -> tuple[_core.Tensor, Any]:
    """Returns the logarithm of each sequence's probability, and the transitions: a new variable,
    where there are none."""
    inputs = convert_to_tensor(inputs)
    lengths = convert_to_tensor(sequence_lengths)
    if transition_params is None:
        count = inputs.shape.as_list()[2]
        transition_params = get_variable("transitions", [count, count])
    scores = crf_sequence_score(inputs, tag_indices, lengths, transition_params)
    return scores - crf_log_norm(inputs, lengths, transition_params), transition_params


def viterbi_decode(score: Any, transition_params: Any) -> tuple[list[int], float]:
    """Returns the best sequence of tags for one array of scores, [time, tags], and its score."""
    score, transitions = np.asarray(score), np.asarray(transition_params)
    best = np.zeros_like(score)
    before = np.zeros_like(score, dtype=np.int32)
    best[0] = score[0]
    for step in range(1, len(score)):
        sums = np.expand_dims(best[step - 1], 1) + transitions
        best[step] = score[step] + np.max(sums, 0)
        before[step] = np.argmax(sums, 0)
    tags = [int(np.argmax(best[-1]))]
    for pointers in reversed(before[1:]):
        tags.append(int(pointers[tags[-1]]))
    return tags[::-1], np.max(best[-1])


class _BestBefore(CrfForwardRnnCell):
    """One step of the best sequences: its output is the tag before each tag."""

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> tuple[Any, Any]:
        scores = tf.expand_dims(state, 2) + self._transitions
        before = _core.cast(tf.argmax(scores, 1), "int32")
        return before, inputs + _core.reduce_max(scores, [1])


class _Backwards(RNNCell):
    """Goes from each tag to the one before it."""

    @property
    def state_size(self) -> int:
        return 1

    @property
    def output_size(self) -> int:
        return 1

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> tuple[Any, Any]:
        rows = tf.range(_core.shape(inputs)[0])
        places = _core.stack([rows, _core.squeeze(state, [1])], 1)
        new = tf.expand_dims(tf.gather_nd(inputs, places), -1)
        return new, new


def crf_decode(potentials: Any, transition_params: Any,
               sequence_length: Any) -> tuple[_core.Tensor, _core.Tensor]:
    """Returns the best tags, [batch, time], and their scores. Past a sequence's end tags are 0."""
    potentials = convert_to_tensor(potentials)
    first = potentials[:, 0]
    if potentials.shape.as_list()[1] == 1:
        tags = _core.cast(tf.argmax(first, 1), "int32")
        return tf.expand_dims(tags, 1), _core.reduce_max(first, 1)
    rest = _less_one(sequence_length)
    before, last = dynamic_rnn(_BestBefore(transition_params), potentials[:, 1:], rest, first)
    before = tf.reverse_sequence(before, rest, seq_axis=1)
    end = tf.expand_dims(_core.cast(tf.argmax(last, 1), "int32"), -1)
    tags, _ = dynamic_rnn(_Backwards(), before, rest, end)
    tags = tf.concat([end, _core.squeeze(tags, [2])], 1)
    tags = tf.reverse_sequence(tags, _core.cast(sequence_length, "int32"), seq_axis=1)
    return tags, _core.reduce_max(last, 1)
