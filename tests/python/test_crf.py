"""tf.contrib.crf against all sequences of tags, one by one."""

import itertools

import numpy as np
import pytest

import varscope.compat.v1 as tf

crf = tf.contrib.crf
RANDOM = np.random.RandomState(1)
SCORES = RANDOM.randn(3, 4, 3).astype(np.float32)
BETWEEN = RANDOM.randn(3, 3).astype(np.float32)
TAGS = RANDOM.randint(0, 3, (3, 4)).astype(np.int32)
LENGTHS = np.array([4, 2, 1], np.int32)


def score(scores, tags):
    return sum(scores[i, t] for i, t in enumerate(tags)) + sum(
        BETWEEN[a, b] for a, b in zip(tags, tags[1:]))


def all_scores(row):
    n = LENGTHS[row]
    return {tags: score(SCORES[row, :n], tags) for tags in itertools.product(range(3), repeat=n)}


def value(x, feed=None):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(x, feed)


@pytest.mark.parametrize("steps", [4, None])
def test_the_likelihood(steps):
    scores = tf.placeholder(tf.float32, [None, steps, 3])
    likelihood, transitions = crf.crf_log_likelihood(scores, TAGS, LENGTHS, tf.constant(BETWEEN))
    found = value([likelihood, transitions], {scores: SCORES})
    expected = [score(SCORES[row, :n], TAGS[row, :n]) - np.log(np.sum(np.exp(list(
        all_scores(row).values())))) for row, n in enumerate(LENGTHS)]
    assert found[0] == pytest.approx(expected, rel=1e-5)
    assert np.array_equal(found[1], BETWEEN)


@pytest.mark.parametrize("steps", [4, None])
def test_the_best_tags(steps):
    scores = tf.placeholder(tf.float32, [None, steps, 3])
    tags, best = value(crf.crf_decode(scores, tf.constant(BETWEEN), tf.constant(LENGTHS)),
                       {scores: SCORES})
    for row, n in enumerate(LENGTHS):
        every = all_scores(row)
        expected = max(every, key=every.get)
        assert tuple(tags[row, :n]) == expected and best[row] == pytest.approx(every[expected])
        found, its = crf.viterbi_decode(SCORES[row, :n], BETWEEN)
        assert tuple(found) == expected and its == pytest.approx(every[expected])


def test_the_transitions_are_a_variable_that_learns():
    scores = tf.constant(np.zeros((2, 5, 2), np.float32))
    tags = tf.constant([[0, 1, 0, 1, 0], [1, 0, 1, 0, 1]])
    likelihood, transitions = crf.crf_log_likelihood(scores, tags, tf.constant([5, 5]))
    assert [v.name for v in tf.trainable_variables()] == ["transitions:0"]
    loss = tf.reduce_mean(-likelihood)
    train = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        first = session.run(loss)
        for _ in range(30):
            session.run(train)
        learned, last = session.run([transitions, loss])
    assert last < first / 3
    assert learned[0, 1] > learned[0, 0] and learned[1, 0] > learned[1, 1]


def test_a_sequence_of_no_steps():
    likelihood, _ = crf.crf_log_likelihood(tf.constant(SCORES), TAGS, tf.constant([4, 0, 1]),
                                           tf.constant(BETWEEN))
    assert value(likelihood)[1] == 0
