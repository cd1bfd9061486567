"""Conditions and loops, and what is made of them."""

import collections

import numpy as np
import pytest

import varscope.compat.v1 as tf


def run(x, feed=None):
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run(x, feed)


def test_a_condition_takes_one_branch():
    pred, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [None])
    y = tf.cond(pred, lambda: x * 2, lambda: x - 1)
    gradient = tf.gradients(y, x)[0]
    with tf.Session() as sess:
        for value, result, slope in [(True, [2, 4], [2, 2]), (False, [0, 1], [1, 1])]:
            own = sess.run([y, gradient], {pred: value, x: [1, 2]})
            np.testing.assert_array_equal(own, [result, slope])


def test_a_branch_returns_structures_and_changes_variables():
    count = tf.Variable(0.0)
    pred = tf.placeholder(tf.bool, [])
    done = tf.cond(pred, lambda: tf.group(tf.assign_add(count, 1.0)), lambda: tf.no_op())
    pair = tf.cond(pred, fn1=lambda: (tf.constant(1), tf.constant(2.0)),
                   fn2=lambda: (tf.constant(3), tf.constant(4.0)))
    assert isinstance(pair, tuple)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for value in (True, False, True):
            sess.run(done, {pred: value})
        assert sess.run(count) == 2
        assert sess.run(pair, {pred: False}) == (3, 4.0)


def test_what_a_condition_refuses():
    with pytest.raises(TypeError, match="must not be a Python bool"):
        tf.cond(True, lambda: 1, lambda: 2)
    with pytest.raises(TypeError, match="must be callable"):
        tf.cond(tf.constant(True), 1, lambda: 2)
    with pytest.raises(ValueError):
        tf.cond(tf.constant(True), lambda: tf.constant(1), lambda: None)
    # What was refused leaves nothing open.
    assert run(tf.constant(1) + 1) == 2


def test_case_takes_the_first_that_is_true():
    x = tf.placeholder(tf.int32, [])
    y = tf.case([(x < 1, lambda: tf.constant(10)), (x < 2, lambda: tf.constant(20))],
                default=lambda: tf.constant(30))
    with tf.Session() as sess:
        assert [sess.run(y, {x: n}) for n in (0, 1, 2)] == [10, 20, 30]


def test_a_loop():
    n = tf.placeholder(tf.int32, [])
    number, product = tf.while_loop(lambda i, p: i < n, lambda i, p: (i + 1, p * 2.0), [0, 1.0])
    with tf.Session() as sess:
        assert sess.run([number, product], {n: 5}) == [5, 32]
        assert sess.run([number, product], {n: 0}) == [0, 1]
    assert run(tf.while_loop(lambda i: True, lambda i: i + 1, [0], maximum_iterations=3)) == 3


def test_gradients_of_a_loop():
    x = tf.Variable(3.0)
    _, power = tf.while_loop(lambda i, p: i < 4, lambda i, p: [i + 1, p * x], [0, 1.0])
    assert run([power, tf.gradients(power, x)[0]]) == [81, pytest.approx(4 * 27)]
    _, kept = tf.while_loop(lambda i, p: i < 4, lambda i, p: [i + 1, p * x], [0, 1.0],
                            back_prop=False)
    assert tf.gradients(kept, x) == [None]


def test_a_loop_of_structures():
    Pair = collections.namedtuple("Pair", ["a", "b"])
    start = [tf.constant(0), Pair(tf.constant(1.0), {"z": tf.constant([1.0]), "y": 2.0})]

    def body(i, pair):
        return i + 1, Pair(pair.a + 1, {"z": pair.b["z"] * 2, "y": pair.b["y"] - 1})

    i, pair = tf.while_loop(lambda i, pair: i < 2, body, start)
    assert isinstance(pair, Pair)
    assert run([i, pair.a, pair.b["y"]]) == [2, 3, 0]
    np.testing.assert_array_equal(run(pair.b["z"]), [4])


def test_a_loop_whose_shapes_change():
    _, grown = tf.while_loop(
        lambda i, x: i < 3, lambda i, x: [i + 1, tf.concat([x, x], 0)],
        [tf.constant(0), tf.ones([1, 2])],
        shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, 2])])
    assert grown.shape.as_list() == [None, 2] and run(grown).shape == (8, 2)
    with pytest.raises(ValueError):
        tf.while_loop(lambda x: True, lambda x: tf.concat([x, x], 0), [tf.ones([1, 2])])


def test_functions_of_rows():
    x = tf.placeholder(tf.float32, [None, 2])
    values = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    squares = tf.map_fn(lambda row: row * row, x)
    sums = tf.map_fn(lambda pair: tf.reduce_sum(pair[0] * pair[1]), (x, x), dtype=tf.float32)
    running = tf.scan(lambda before, row: before + row, x)
    started = tf.scan(lambda before, row: before + tf.reduce_sum(row), x, initializer=1.0)
    last = tf.foldl(lambda before, row: before * 2 + row, x)
    first = tf.foldr(lambda before, row: before * 2 + row, x)
    expected = [values**2, (values**2).sum(1), values.cumsum(0), 1 + values.sum(1).cumsum(),
                [15, 22], [15, 22]]
    expected[4] = (values[0] * 2 + values[1]) * 2 + values[2]
    expected[5] = (values[2] * 2 + values[1]) * 2 + values[0]
    own = run([squares, sums, running, started, last, first], {x: values})
    for value, wanted in zip(own, expected, strict=True):
        np.testing.assert_allclose(value, wanted)
    np.testing.assert_allclose(run(tf.gradients(squares, x)[0], {x: values}), 2 * values)


@pytest.mark.parametrize("cell", [
    lambda: tf.nn.rnn_cell.BasicLSTMCell(4), lambda: tf.nn.rnn_cell.GRUCell(4),
    lambda: tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.BasicRNNCell(3),
                                         tf.nn.rnn_cell.LSTMCell(4)])])
@pytest.mark.parametrize("time_major", [False, True])
@pytest.mark.parametrize("lengths", [None, [2, 5]])
def test_a_cell_over_steps_that_a_run_counts(cell, time_major, lengths):
    """As over a number of steps that is known, with gradients."""
    values = np.random.RandomState(1).randn(2, 5, 3).astype(np.float32)
    if time_major:
        values = values.transpose(1, 0, 2)
    known = tf.constant(values)
    unknown = tf.placeholder(tf.float32, [None, 2, 3] if time_major else [2, None, 3])
    results = []
    for inputs in (known, unknown):
        with tf.variable_scope("net", reuse=tf.AUTO_REUSE):
            outputs, state = tf.nn.dynamic_rnn(cell(), inputs, lengths, dtype=tf.float32,
                                               time_major=time_major)
        leaf = state[-1] if isinstance(state, tuple) else state
        leaf = leaf.h if hasattr(leaf, "h") else leaf
        loss = tf.reduce_sum(tf.square(outputs)) + tf.reduce_sum(leaf)
        results.append([outputs, leaf, *tf.gradients(loss, tf.trainable_variables("net"))])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        first, second = sess.run(results, {unknown: values})
    for own, wanted in zip(second, first, strict=True):
        np.testing.assert_allclose(own, wanted, rtol=1e-5, atol=1e-6)


def test_variables_made_in_a_branch_are_as_others():
    pred = tf.placeholder(tf.bool, [])
    y = tf.cond(pred, lambda: tf.get_variable("a", [], initializer=tf.ones_initializer()) + 1,
                lambda: tf.get_variable("b", [], initializer=tf.zeros_initializer()) - 1)
    assert [v.op.name for v in tf.trainable_variables()] == ["a", "b"]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert [sess.run(y, {pred: value}) for value in (True, False)] == [2, -1]


def test_a_variable_made_in_a_loop_of_a_graph_with_a_seed():
    tf.set_random_seed(1)

    def body(i, x):
        return i + 1, x * tf.get_variable("w", [2])

    _, x = tf.while_loop(lambda i, x: i < 2, body, [0, tf.ones([2])])
    w = tf.trainable_variables()[0]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        product, value = sess.run([x, w])
    np.testing.assert_allclose(product, value**2, rtol=1e-6)


def test_a_case_needs_a_true_predicate_or_a_default():
    first, second = tf.placeholder(tf.bool, []), tf.placeholder(tf.bool, [])
    pairs = [(first, lambda: tf.constant(1)), (second, lambda: tf.constant(2))]
    chosen, only = tf.case(pairs), tf.case(pairs[:1])
    one = tf.case(pairs, default=lambda: tf.constant(3), exclusive=True)
    with tf.Session() as sess:
        assert sess.run(chosen, {first: False, second: True}) == 2
        assert sess.run(chosen, {first: True, second: True}) == 1
        assert sess.run(only, {first: True}) == 1
        assert sess.run(one, {first: False, second: False}) == 3
        for wrong, feeds in ((chosen, {first: False, second: False}), (only, {first: False}),
                             (one, {first: True, second: True})):
            with pytest.raises(tf.errors.InvalidArgumentError, match="[cC]ondition"):
                sess.run(wrong, feeds)
