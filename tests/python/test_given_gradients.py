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
