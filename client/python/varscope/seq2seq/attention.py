"""Attention: where in a memory a cell looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from varscope import _core, initializers
from varscope.compat import v1 as tf
from varscope.compat.v1 import nn
from varscope.layers.dense import Dense
from varscope.ops import convert_to_tensor
from varscope.scopes import variable_scope
from varscope.variables import get_variable


class AttentionMechanism:
    """The base of mechanisms."""

    @property
    def alignments_size(self) -> Any:
        raise NotImplementedError


class _Mechanism(AttentionMechanism):
    """A mechanism whose memory, [batch, time, depth], has a layer of its own, the keys."""

    _scope_name = ""

    def __init__(self, num_units: int, memory: Any, memory_sequence_length: Any,
                 probability_fn: Callable[[Any], Any] | None,
                 score_mask_value: float | None) -> None:
        self._num_units = num_units
        self._probabilities = probability_fn or nn.softmax
        self._masked_score = -np.inf if score_mask_value is None else score_mask_value
        memory = convert_to_tensor(memory)
        self._mask: Any = None
        if memory_sequence_length is not None:
            self._mask = tf.sequence_mask(memory_sequence_length, _size(memory, 1))
            memory = memory * tf.expand_dims(_core.cast(self._mask, memory.dtype), 2)
        self._values = memory
        self._keys = Dense(num_units, use_bias=False, name="memory_layer")(memory)

    @property
    def values(self) -> Any:
        """What is looked at."""
        return self._values

    @property
    def keys(self) -> Any:
        """What queries are compared with."""
        return self._keys

    @property
    def batch_size(self) -> Any:
        return _size(self._keys, 0)

    @property
    def alignments_size(self) -> Any:
        return _size(self._keys, 1)

    state_size = alignments_size

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Any:
        """Returns zeros, one for each step of the memory."""
        return tf.zeros([batch_size, self.alignments_size], dtype)

    initial_state = initial_alignments

    def __call__(self, query: Any, state: Any = None,
                 previous_alignments: Any = None) -> tuple[Any, Any]:
        """Returns how much each step of the memory counts, twice: it is the state, too."""
        with variable_scope(None, self._scope_name):
            score = self._score(query)
            if self._mask is not None:
                score = tf.where(self._mask, score,
                                 _core.ones_like(score) * self._masked_score)
            alignments = self._probabilities(score)
            return alignments, alignments

    def _score(self, query: Any) -> Any:
        raise NotImplementedError


class LuongAttention(_Mechanism):
    """query * keys. Luong et al. 2015 (arXiv 1508.04025)."""

    _scope_name = "luong_attention"

    def __init__(self, num_units: int, memory: Any, memory_sequence_length: Any = None,
                 scale: bool = False, probability_fn: Callable[[Any], Any] | None = None,
                 score_mask_value: float | None = None, dtype: Any = None,
                 name: str = "LuongAttention") -> None:
        super().__init__(num_units, memory, memory_sequence_length, probability_fn,
                         score_mask_value)
        self._scale = scale

    def _score(self, query: Any) -> Any:
        depth = query.shape.as_list()[-1]
        if depth != self._num_units:
            raise ValueError("Incompatible or unknown inner dimensions between query and keys. "
                             f"Query has units: {depth}. Keys have units: {self._num_units}.")
        score = _core.squeeze(_core.matmul(tf.expand_dims(query, 1), self._keys,
                                           transpose_b=True), [1])
        if not self._scale:
            return score
        return get_variable("attention_g", [], query.dtype, initializers.Ones()) * score


class BahdanauAttention(_Mechanism):
    """v * tanh(keys + query). Bahdanau et al. 2014 (arXiv 1409.0473)."""

    _scope_name = "bahdanau_attention"

    def __init__(self, num_units: int, memory: Any, memory_sequence_length: Any = None,
                 normalize: bool = False, probability_fn: Callable[[Any], Any] | None = None,
                 score_mask_value: float | None = None, dtype: Any = None,
                 name: str = "BahdanauAttention") -> None:
        super().__init__(num_units, memory, memory_sequence_length, probability_fn,
                         score_mask_value)
        self._normalize = normalize
        self._query_layer = Dense(num_units, use_bias=False, name="query_layer")

    def _score(self, query: Any) -> Any:
        sums = self._keys + tf.expand_dims(self._query_layer(query), 1)
        v = get_variable("attention_v", [self._num_units], query.dtype)
        if not self._normalize:
            return _core.reduce_sum(v * _core.tanh(sums), [2])
        g = get_variable("attention_g", [], query.dtype,
                         initializers.Constant(np.sqrt(1.0 / self._num_units)))
        b = get_variable("attention_b", [self._num_units], query.dtype, initializers.Zeros())
        v = g * v * _core.rsqrt(_core.reduce_sum(_core.square(v)))
        return _core.reduce_sum(v * _core.tanh(sums + b), [2])


def hardmax(logits: Any, name: str | None = None) -> _core.Tensor:
    """Returns 1 at the largest element of the last dimension, else 0."""
    logits = convert_to_tensor(logits)
    return tf.one_hot(tf.argmax(logits, -1), logits.shape.as_list()[-1], dtype=logits.dtype)


def _size(x: Any, axis: int) -> Any:
    known = x.shape.as_list()[axis]
    return _core.shape(x)[axis] if known is None else known
