"""Gradients that begin with a given one, and runs with given tensors."""

import numpy as np
import pytest

import varscope.compat.v1 as tf


def test_the_gradient_of_the_loss():
    v = tf.get_variable("v", initializer=[1.0, 2.0])
    step = tf.train.GradientDescentOptimizer(1.0)
    [(slope, _)] = step.compute_gradients(v * v, [v], grad_loss=[1.0, 10.0])
    train = step.minimize(v * v, grad_loss=tf.constant([0.5, 0.0]))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(sess.run(slope), [2, 40])
        sess.run(train)
        np.testing.assert_array_equal(sess.run(v), [0, 2])
    with pytest.raises(ValueError, match="grad_loss has the shape"):
        step.compute_gradients(v * v, grad_loss=tf.zeros([3]))


def test_callables():
    x, y = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
    with tf.Session() as sess:
        difference = sess.make_callable({"d": x - y}, [x, y])
        assert difference(5, 3) == {"d": 2}
        assert sess.make_callable(tf.constant(7))() == 7
        with pytest.raises(TypeError, match="takes 2 values"):
            difference(5)
        with pytest.raises(TypeError, match="list or tuple"):
            sess.make_callable(x, x)


def test_numbers_of_64_bits_are_int64():
    assert type(tf.Session().run(tf.constant(3, tf.int64))) is np.int64


def test_the_gradient_of_a_clipped_norm_at_zero():
    for start, expected in ([0.0, 0.0], [1.0, 1.0]), ([3.0, 4.0], [0.032, -0.024]):
        x = tf.constant(start)
        slope, = tf.gradients(tf.clip_by_norm(x, 1.0), x)
        with tf.Session() as session:
            assert session.run(slope) == pytest.approx(expected)


def test_gradients_stop_where_they_are_told_to():
    a = tf.constant(2.0)
    b = a * 3
    c = b * a + a
    v = tf.get_variable("v", initializer=5.0)
    d = v * a
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(tf.gradients(c, [a, b], stop_gradients=[b])) == [7.0, 2.0]
        assert session.run(tf.gradients(c, [a, b])) == [13.0, 2.0]
        assert session.run(tf.gradients(c, [a, b], stop_gradients=[a, b])) == [7.0, 2.0]
        assert tf.gradients(d * b, [v, a], stop_gradients=[d, b]) == [None, None]
        assert session.run(tf.gradients(d, [v], stop_gradients=[v])) == [2.0]


def test_rows_are_a_whole_tensor_where_an_op_takes_no_rows():
    v = tf.get_variable("v", initializer=np.ones((3, 2), np.float32))
    rows, = tf.gradients(tf.reduce_sum(tf.nn.embedding_lookup(v, [2, 2, 0])), [v])
    assert isinstance(rows, tf.IndexedSlices)
    [(of_optimizer, _)] = tf.train.GradientDescentOptimizer(1.0).compute_gradients(
        tf.reduce_sum(tf.nn.embedding_lookup(v, [1])))
    clipped = tf.clip_by_value(rows, -0.5, 0.5)
    assert isinstance(clipped, tf.IndexedSlices)
    (scaled,), norm = tf.clip_by_global_norm([rows], 1.0)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(tf.square(rows)).tolist() == [[1, 1], [0, 0], [4, 4]]
        assert session.run(tf.convert_to_tensor(of_optimizer)).tolist() == [[0, 0], [1, 1], [0, 0]]
        assert session.run(clipped).values.tolist() == [[0.5, 0.5]] * 3
        assert session.run(tf.clip_by_norm(rows, 6.0**0.5 / 2)).values == pytest.approx(0.5)
        assert session.run(tf.expand_dims(scaled, 0) * norm)[0] == pytest.approx(
            session.run(tf.identity(rows)))
    with pytest.raises(ValueError, match="dense_shape"):
        tf.identity(tf.IndexedSlices(tf.ones([1, 2]), tf.constant([0])))


def test_a_function_with_a_gradient_of_its_own():
    @tf.custom_gradient
    def log1pexp(x):
        e = tf.exp(x)
        return tf.log(1 + e), lambda dy: dy * (1 - 1 / (1 + e))

    @tf.custom_gradient
    def product(a, b):
        return tf.reduce_sum(a) * b, lambda dy: (tf.ones_like(a) * dy * 10, dy * 20)

    x, a, b = tf.constant(100.0), tf.constant([1.0, 2.0]), tf.constant(3.0)
    y, z = log1pexp(x), product(a, b)
    v = tf.get_variable("v", initializer=2.0)
    train = tf.train.GradientDescentOptimizer(1.0).minimize(product([1.0], v) * 0.5)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(tf.gradients(y, x)) == [1.0]
        value, (of_a, of_b) = session.run([z, tf.gradients(z * 2, [a, b])])
        assert (value, of_a.tolist(), of_b) == (9.0, [20.0, 20.0], 40.0)
        session.run(train)
        assert session.run(v) == -8.0


def test_ops_get_other_gradients():
    @tf.RegisterGradient("ThreeTimes")
    def three(op, grad):
        return grad * 3 * op.inputs[0]

    with pytest.raises(KeyError, match="ThreeTimes"):
        tf.RegisterGradient("ThreeTimes")(three)
    a, graph = tf.constant([1.0, 2.0]), tf.get_default_graph()
    with graph.gradient_override_map({"Sign": "Identity", "Identity": "ThreeTimes"}):
        through, other = tf.sign(a), tf.identity(a)
    after = tf.sign(a)
    with tf.Session() as session:
        assert session.run(tf.gradients(through * 5, a))[0].tolist() == [5, 5]
        assert session.run(tf.gradients(other, a))[0].tolist() == [3, 6]
        assert tf.gradients(after, a) == [None] or session.run(
            tf.gradients(after, a))[0].tolist() == [0, 0]
        assert session.run(other).tolist() == [1, 2]
    with pytest.raises(LookupError, match="none"), graph.gradient_override_map({"Sign": "none"}):
        tf.sign(a)
