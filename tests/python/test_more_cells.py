"""The cells of tf.contrib.rnn, stacks in both directions, and legacy_seq2seq's models."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

rnn, legacy = tf.contrib.rnn, tf.contrib.legacy_seq2seq
STEPS = np.random.RandomState(0).randn(2, 4, 3).astype(np.float32)


def run(*wanted):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(list(wanted))


@pytest.mark.parametrize("cell", [
    lambda: rnn.LayerNormBasicLSTMCell(5), lambda: rnn.LSTMBlockCell(5), lambda: rnn.GRUBlockCell(5),
    lambda: rnn.UGRNNCell(5), lambda: rnn.HighwayWrapper(rnn.GRUCell(3)),
    lambda: rnn.AttentionCellWrapper(rnn.BasicLSTMCell(5), 2),
    lambda: rnn.DeviceWrapper(rnn.BasicRNNCell(5), "/cpu:0")])
def test_cells_run_and_have_gradients(cell):
    made = cell()
    outputs, state = tf.nn.dynamic_rnn(made, STEPS, [4, 2], dtype=tf.float32)
    slopes = tf.gradients(tf.reduce_sum(outputs), tf.trainable_variables())
    found, *others = run(outputs, *slopes)
    assert found.shape == (2, 4, made.output_size) and not found[1, 2:].any()
    assert all(np.isfinite(slope).all() for slope in others) and any(x.any() for x in others)


def test_a_normalized_lstm_by_hand():
    cell = rnn.LayerNormBasicLSTMCell(4)
    output, state = cell(tf.constant(STEPS[:, 0]), cell.zero_state(2, tf.float32))
    kernel = tf.trainable_variables()[0]
    found, weights = run(output, kernel)
    assert [v.op.name for v in tf.trainable_variables()][:3] == [
        "layer_norm_basic_lstm_cell/kernel", "layer_norm_basic_lstm_cell/input/gamma",
        "layer_norm_basic_lstm_cell/input/beta"]
    gates = np.split(STEPS[:, 0] @ weights[:3], 4, 1)

    def normed(x):
        return (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    i, j, _, o = map(normed, gates)
    expected = np.tanh(normed(sigmoid(i) * np.tanh(j))) * sigmoid(o)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_an_lstm_of_images():
    cell = rnn.Conv2DLSTMCell(input_shape=[6, 5, 2], output_channels=3, kernel_shape=[3, 3])
    frames = tf.constant(np.random.RandomState(1).rand(2, 4, 6, 5, 2).astype(np.float32))
    outputs, state = tf.nn.dynamic_rnn(cell, frames, dtype=tf.float32)
    found, last = run(outputs, state.h)
    assert found.shape == (2, 4, 6, 5, 3)
    np.testing.assert_allclose(found[:, -1], last, rtol=1e-6)


def test_stacks_in_both_directions():
    def cells():
        return [rnn.GRUCell(4), rnn.GRUCell(3)]

    outputs, forwards, backwards = rnn.stack_bidirectional_dynamic_rnn(
        cells(), cells(), STEPS, dtype=tf.float32, sequence_length=[4, 2])
    listed, *_ = rnn.stack_bidirectional_rnn(cells(), cells(), tf.unstack(tf.constant(STEPS), axis=1),
                                             dtype=tf.float32, scope="listed")
    found, first, last, steps = run(outputs, forwards[1], backwards[1], listed[0])
    assert found.shape == (2, 4, 6) and steps.shape == (2, 6)
    np.testing.assert_allclose(found[0, 3, :3], first[0], rtol=1e-6)
    np.testing.assert_allclose(found[:, 0, 3:], last, rtol=1e-6)
    with pytest.raises(ValueError, match="same depth"):
        rnn.stack_bidirectional_dynamic_rnn(cells(), cells()[:1], STEPS)


NUMBERS = [np.array([step, step + 1]) for step in range(4)]


@pytest.mark.parametrize("model", [
    lambda words, feed: legacy.embedding_attention_seq2seq(words, words[:3], rnn.BasicLSTMCell(6), 10, 12, 5,
                                                    feed_previous=feed),
    lambda words, feed: legacy.embedding_rnn_seq2seq(words, words[:3], rnn.GRUCell(6), 10, 12, 5,
                                              feed_previous=feed),
    lambda words, feed: legacy.embedding_tied_rnn_seq2seq(words, words[:3], rnn.GRUCell(6), 12, 5,
                                                   feed_previous=bool(feed is True))])
def test_models_of_words(model):
    words = [tf.constant(numbers) for numbers in NUMBERS]
    with tf.variable_scope("m"):
        outputs, _ = model(words, False)
    with tf.variable_scope("m", reuse=True):
        own, _ = model(words, True)
        either, _ = model(words, tf.constant(True))
    one, two, three = run(outputs, own, either)
    assert [x.shape for x in one] == [(2, 12)] * 3
    np.testing.assert_allclose(one[0], two[0], rtol=1e-5)  # the first step is given to both
    if not np.allclose(one[2], three[2]):
        np.testing.assert_allclose(two[2], three[2], rtol=1e-5)


def test_buckets_share_one_model():
    targets = [tf.constant(numbers) for numbers in NUMBERS]
    weights = [tf.ones([2])] * 4
    outputs, losses = legacy.model_with_buckets(
        targets, targets, targets, weights, [(2, 2), (4, 3)],
        lambda x, y: legacy.embedding_attention_seq2seq(x, y, rnn.GRUCell(6), 10, 10, 5))
    assert [len(one) for one in outputs] == [2, 3]
    names = [v.name for v in tf.trainable_variables()]
    assert len(names) == len(set(names)) and all(x > 0 for x in run(*losses))
    with pytest.raises(ValueError, match="fewer steps"):
        legacy.model_with_buckets(targets, targets, targets, weights, [(5, 2)], None)
