"""Losses and labels of steps that say labels: the numbers are TensorFlow's."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

LOGITS = np.random.RandomState(0).randn(7, 3, 5).astype(np.float32) * 2
LABELS = [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0]], [1, 1, 0, 3, 3], [3, 3]


def labels():
    places, values, shape = LABELS
    return tf.SparseTensor(places, tf.constant(values, tf.int32), shape)


@pytest.mark.parametrize("lengths, losses", [
    ([7, 7, 7], [5.8137, 10.4339, 14.5642]), ([5, 6, 2], [5.7487, 8.7511, 2.4322])])
def test_the_loss_and_its_gradient(lengths, losses):
    logits = tf.constant(LOGITS)
    loss = tf.nn.ctc_loss(labels(), logits, lengths)
    slope, = tf.gradients(loss, logits)
    with tf.Session() as session:
        found, slopes = session.run([loss, slope])
    np.testing.assert_allclose(found, losses, atol=1e-4)
    assert slopes[0, 0, 0] == pytest.approx(0.1961, abs=1e-4)
    np.testing.assert_allclose(slopes.sum(2), 0, atol=1e-5)
    assert not slopes[lengths[2]:, 2].any()


def test_labels_that_need_more_steps():
    many = tf.nn.ctc_loss(labels(), tf.constant(LOGITS), [2, 7, 7])
    ignored = tf.nn.ctc_loss(labels(), tf.constant(LOGITS), [2, 7, 7],
                             ignore_longer_outputs_than_inputs=True)
    with tf.Session() as session:
        with pytest.raises(tf.errors.InvalidArgumentError, match="not_enough_steps"):
            session.run(many)
        np.testing.assert_allclose(session.run(ignored), [0, 10.4339, 14.5642], atol=1e-4)
    with pytest.raises(TypeError, match="SparseTensor"):
        tf.nn.ctc_loss(tf.constant([[1]]), tf.constant(LOGITS), [7, 7, 7])


def test_it_learns_what_a_loop_of_steps_says():
    x = tf.placeholder(tf.float32, [None, None, 4])
    target = tf.sparse_placeholder(tf.int32)
    cell = tf.nn.rnn_cell.LSTMCell(8)
    outputs, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    logits = tf.transpose(tf.layers.dense(outputs, 4), [1, 0, 2])
    loss = tf.reduce_mean(tf.nn.ctc_loss(target, logits, [6, 6]))
    train = tf.train.AdamOptimizer(0.05).minimize(loss)
    (said,), _ = tf.nn.ctc_greedy_decoder(logits, [6, 6])
    error = tf.reduce_mean(tf.edit_distance(tf.cast(said, tf.int32), target))
    feed = {x: np.eye(4, dtype=np.float32)[[[0, 0, 1, 1, 2, 2], [2, 2, 0, 0, 1, 1]]],
            target: ([[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]], [0, 1, 2, 2, 0, 1], [2, 3])}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(80):
            session.run(train, feed)
        assert session.run(error, feed) == 0 and session.run(loss, feed) < 0.5


def test_greedy_labels():
    for merged, count, most in ((True, 12, 5), (False, 16, 7)):
        (said,), sums = tf.nn.ctc_greedy_decoder(LOGITS, [7, 5, 7], merged)
        with tf.Session() as session:
            found, negative = session.run([said, sums])
        assert len(found.values) == count and found.dense_shape.tolist() == [3, most]
        np.testing.assert_allclose(negative, [[-12.6933], [-10.5996], [-20.5692]], atol=1e-4)


def test_beams():
    said, chances = tf.nn.ctc_beam_search_decoder(LOGITS, [7, 5, 7], 50, 2, False)
    with tf.Session() as session:
        first, second, found = session.run([said[0], said[1], chances])
    assert first.values[:6].tolist() == [3, 1, 2, 1, 1, 1]
    assert second.values[:6].tolist() == [3, 1, 2, 3, 1, 2]
    np.testing.assert_allclose(found, [[-2.8974, -3.1641], [-1.8556, -2.251], [-1.8754, -2.3097]],
                               atol=1e-4)
