"""legacy_seq2seq's encoders and decoders of numbers of words, with and without attention."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from varscope import _core
from varscope.compat import v1 as tf
from varscope.compat.v1 import nn
from varscope.control_flow import cond
from varscope.rnn.cells import RNNCell
from varscope.rnn.decoders import rnn_decoder
from varscope.rnn.sequence_loss import legacy_sequence_loss, sequence_loss_by_example
from varscope.rnn.states import leaves
from varscope.rnn.unrolling import static_rnn
from varscope.rnn.wrappers import EmbeddingWrapper, OutputProjectionWrapper
from varscope.scopes import name_scope, variable_scope
from varscope.variables import get_variable


def _embedded_output(embedding: Any, projection: Any, updates: bool) -> Callable[[Any, int], Any]:
    """What makes the row of the best word of an output, for the next step."""

    def following(output: Any, _: int) -> Any:
        if projection is not None:
            output = nn.xw_plus_b(output, *projection)
        row = nn.embedding_lookup(embedding, _core.argmax(output, 1))
        return row if updates else _core.stop_gradient(row)

    return following


def embedding_rnn_decoder(decoder_inputs: Sequence[Any], initial_state: Any, cell: RNNCell,
                          num_symbols: int, embedding_size: int, output_projection: Any = None,
                          feed_previous: bool = False,
                          update_embedding_for_previous: bool = True,
                          scope: Any = None) -> tuple[list[Any], Any]:
    """Runs the cell over the rows of the inputs; with feed_previous over those of its outputs."""
    with variable_scope(scope or "embedding_rnn_decoder"):
        embedding = get_variable("embedding", [num_symbols, embedding_size])
        following = _embedded_output(embedding, output_projection,
                                     update_embedding_for_previous) if feed_previous else None
        rows = [nn.embedding_lookup(embedding, step) for step in decoder_inputs]
        return rnn_decoder(rows, initial_state, cell, following)


def _either(decode: Callable[[bool, Any], tuple[list[Any], Any]], feeds: Any) -> Any:
    """What a decoder makes, where a tensor says whether it is fed its own outputs."""
    if isinstance(feeds, bool):
        return decode(feeds, None)

    def branch(own: bool) -> list[Any]:
        outputs, state = decode(own, True if not own else None)
        return [*outputs, *tf.contrib.framework.nest.flatten(state)]

    forms: list[Any] = []

    def first() -> list[Any]:
        outputs, state = decode(True, None)
        forms[:] = [len(outputs), state]
        return [*outputs, *tf.contrib.framework.nest.flatten(state)]

    made = list(cond(feeds, first, lambda: branch(False)))
    count, state = forms
    return made[:count], tf.contrib.framework.nest.pack_sequence_as(state, made[count:])


def _kept_states(outputs: Sequence[Any]) -> Any:
    """The outputs of an encoder as [batch, steps, size]."""
    return _core.stack(list(outputs), 1)


def embedding_rnn_seq2seq(encoder_inputs: Sequence[Any], decoder_inputs: Sequence[Any],
                          cell: RNNCell, num_encoder_symbols: int, num_decoder_symbols: int,
                          embedding_size: int, output_projection: Any = None,
                          feed_previous: Any = False, dtype: Any = None,
                          scope: Any = None) -> tuple[list[Any], Any]:
    """An encoder and a decoder of numbers of words."""
    with variable_scope(scope or "embedding_rnn_seq2seq") as own:
        encoder = EmbeddingWrapper(copy.deepcopy(cell), num_encoder_symbols, embedding_size)
        _, state = static_rnn(encoder, encoder_inputs, dtype=dtype or own.dtype)
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols)

        def decode(feeds: bool, reuse: Any) -> tuple[list[Any], Any]:
            with variable_scope(tf.get_variable_scope(), reuse=reuse):
                return embedding_rnn_decoder(decoder_inputs, state, cell, num_decoder_symbols,
                                             embedding_size, output_projection, feeds)

        return _either(decode, feed_previous)


def embedding_tied_rnn_seq2seq(encoder_inputs: Sequence[Any], decoder_inputs: Sequence[Any],
                               cell: RNNCell, num_symbols: int, embedding_size: int,
                               num_decoder_symbols: int | None = None,
                               output_projection: Any = None, feed_previous: bool = False,
                               dtype: Any = None, scope: Any = None) -> tuple[list[Any], Any]:
    """The same with one table of rows for both."""
    with variable_scope(scope or "embedding_tied_rnn_seq2seq") as own:
        embedding = get_variable("embedding", [num_symbols, embedding_size])
        encoded = [nn.embedding_lookup(embedding, step) for step in encoder_inputs]
        decoded = [nn.embedding_lookup(embedding, step) for step in decoder_inputs]
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols or num_symbols)
        _, state = static_rnn(copy.deepcopy(cell), encoded, dtype=dtype or own.dtype)
        following = _embedded_output(embedding, output_projection, True) if feed_previous else None
        return rnn_decoder(decoded, state, cell, following)


def attention_decoder(decoder_inputs: Sequence[Any], initial_state: Any, attention_states: Any,
                      cell: RNNCell, output_size: int | None = None, num_heads: int = 1,
                      loop_function: Callable | None = None, dtype: Any = None, scope: Any = None,
                      initial_state_attention: bool = False) -> tuple[list[Any], Any]:
    """Runs the cell over the inputs, each with what the state before it sees in the attention
    states, [batch, steps, size]. Bahdanau et al. 2014 (arXiv 1409.0473); Vinyals et al. 2014 (arXiv
    1412.7449)."""
    if not decoder_inputs:
        raise ValueError("Must provide at least 1 input to attention decoder.")
    if num_heads < 1:
        raise ValueError("With less than 1 heads, use a non-attention decoder.")
    size = output_size or cell.output_size
    with variable_scope(scope or "attention_decoder"):
        steps, depth = attention_states.shape.as_list()[1:]
        hidden = tf.reshape(attention_states, [-1, steps, 1, depth])
        heads = [(nn.conv2d(hidden, get_variable(f"AttnW_{head}", [1, 1, depth, depth]),
                            [1, 1, 1, 1], "SAME"), get_variable(f"AttnV_{head}", [depth]))
                 for head in range(num_heads)]

        def looked(state: Any) -> list[Any]:
            query = _core._concat(leaves(state), 1, None)
            found = []
            for head, (features, vector) in enumerate(heads):
                with variable_scope(f"Attention_{head}"):
                    asked = tf.layers.dense(query, depth, name="linear", reuse=tf.AUTO_REUSE)
                asked = tf.reshape(asked, [-1, 1, 1, depth])
                scores = _core.reduce_sum(vector * _core.tanh(features + asked), [2, 3])
                shares = tf.reshape(nn.softmax(scores), [-1, steps, 1, 1])
                found.append(tf.reshape(_core.reduce_sum(shares * hidden, [1, 2]), [-1, depth]))
            return found

        state, outputs = initial_state, []
        seen = looked(state) if initial_state_attention else [
            _core.zeros_like(attention_states[:, 0]) for _ in heads]
        for number, step in enumerate(decoder_inputs):
            if loop_function is not None and outputs:
                with variable_scope("loop_function", reuse=True):
                    step = loop_function(outputs[-1], number)
            width = step.shape.as_list()[1]
            given = tf.layers.dense(_core._concat([step, *seen], 1, None), width,
                                    name="linear", reuse=tf.AUTO_REUSE)
            output, state = cell(given, state)
            if number > 0 or not initial_state_attention:
                seen = looked(state)
            with variable_scope("AttnOutputProjection"):
                outputs.append(tf.layers.dense(_core._concat([output, *seen], 1, None), size,
                                               name="linear", reuse=tf.AUTO_REUSE))
        return outputs, state


def embedding_attention_decoder(decoder_inputs: Sequence[Any], initial_state: Any,
                                attention_states: Any, cell: RNNCell, num_symbols: int,
                                embedding_size: int, num_heads: int = 1,
                                output_size: int | None = None, output_projection: Any = None,
                                feed_previous: bool = False,
                                update_embedding_for_previous: bool = True, dtype: Any = None,
                                scope: Any = None,
                                initial_state_attention: bool = False) -> tuple[list[Any], Any]:
    """The same of numbers of words."""
    with variable_scope(scope or "embedding_attention_decoder"):
        embedding = get_variable("embedding", [num_symbols, embedding_size])
        following = _embedded_output(embedding, output_projection,
                                     update_embedding_for_previous) if feed_previous else None
        rows = [nn.embedding_lookup(embedding, step) for step in decoder_inputs]
        return attention_decoder(rows, initial_state, attention_states, cell, output_size,
                                 num_heads, following,
                                 initial_state_attention=initial_state_attention)


def embedding_attention_seq2seq(encoder_inputs: Sequence[Any], decoder_inputs: Sequence[Any],
                                cell: RNNCell, num_encoder_symbols: int, num_decoder_symbols: int,
                                embedding_size: int, num_heads: int = 1,
                                output_projection: Any = None, feed_previous: Any = False,
                                dtype: Any = None, scope: Any = None,
                                initial_state_attention: bool = False) -> tuple[list[Any], Any]:
    """An encoder of numbers of words, and a decoder that looks at all its outputs."""
    with variable_scope(scope or "embedding_attention_seq2seq") as own:
        encoder = EmbeddingWrapper(copy.deepcopy(cell), num_encoder_symbols, embedding_size)
        encoded, state = static_rnn(encoder, encoder_inputs, dtype=dtype or own.dtype)
        size = None
        if output_projection is None:
            cell, size = OutputProjectionWrapper(cell, num_decoder_symbols), num_decoder_symbols

        def decode(feeds: bool, reuse: Any) -> tuple[list[Any], Any]:
            with variable_scope(tf.get_variable_scope(), reuse=reuse):
                return embedding_attention_decoder(
                    decoder_inputs, state, _kept_states(encoded), cell, num_decoder_symbols,
                    embedding_size, num_heads, size, output_projection, feeds,
                    initial_state_attention=initial_state_attention)

        return _either(decode, feed_previous)


def model_with_buckets(encoder_inputs: Sequence[Any], decoder_inputs: Sequence[Any],
                       targets: Sequence[Any], weights: Sequence[Any],
                       buckets: Sequence[tuple[int, int]], seq2seq: Callable[..., Any],
                       softmax_loss_function: Callable | None = None,
                       per_example_loss: bool = False,
                       name: str | None = None) -> tuple[list[Any], list[Any]]:
    """Returns for each pair of lengths the outputs, and the losses, of a model that all share."""
    if any(len(given) < most for given, most in (
            (encoder_inputs, buckets[-1][0]), (targets, buckets[-1][1]), (weights, buckets[-1][1]))):
        raise ValueError(f"there are fewer steps than the last bucket {buckets[-1]} has")
    loss = sequence_loss_by_example if per_example_loss else legacy_sequence_loss
    all_outputs, losses = [], []
    with name_scope(name, "model_with_buckets"):
        for number, (encoded, decoded) in enumerate(buckets):
            with variable_scope(tf.get_variable_scope(), reuse=True if number else None):
                outputs, _ = seq2seq(encoder_inputs[:encoded], decoder_inputs[:decoded])
                all_outputs.append(outputs)
                losses.append(loss(outputs, targets[:decoded], weights[:decoded],
                                   softmax_loss_function=softmax_loss_function))
    return all_outputs, losses
