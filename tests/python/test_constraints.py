"""Constraints of variables, and variables that one apply_gradients has twice. The figures are TensorFlow
2.21's compat.v1."""

import numpy as np
import pytest

import varscope.compat.v1 as tf


def trained(v, train):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        return session.run(v)


def not_below_0(x):
    return tf.clip_by_value(x, 0.0, 2.0)


def test_a_constraint_is_applied_after_the_update():
    v = tf.get_variable("v", initializer=[1.0, 2.0, 3.0], constraint=not_below_0)
    step = tf.train.get_or_create_global_step()
    loss = tf.reduce_sum(v * [-1.0, 1.0, 2.0])
    train = tf.train.GradientDescentOptimizer(1.0).minimize(loss, step)
    assert train.name == "GradientDescent"
    assert trained([v, step], train)[0] == pytest.approx([2.0, 1.0, 1.0])
    assert v.constraint is not_below_0


def test_what_waits_for_the_update_waits_for_the_constraint():
    v = tf.Variable([1.0, 5.0], constraint=not_below_0)
    train = tf.train.GradientDescentOptimizer(1.0).minimize(tf.reduce_sum(v))
    with tf.control_dependencies([train]):
        after = v.read_value()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(after) == pytest.approx([0.0, 2.0])
        assert session.run(after) == pytest.approx([0.0, 1.0])


@pytest.mark.parametrize("layer", [
    lambda x: tf.layers.dense(x, 1, kernel_constraint=not_below_0, bias_constraint=not_below_0),
    lambda x: tf.layers.Dense(1, kernel_constraint=not_below_0, bias_constraint=not_below_0)(x),
    lambda x: tf.layers.conv2d(x[:, None, None], 1, 1, kernel_constraint=not_below_0,
                               bias_constraint=not_below_0),
    lambda x: tf.layers.batch_normalization(x, gamma_constraint=not_below_0,
                                            beta_constraint=not_below_0)])
def test_layers_have_them(layer):
    y = tf.reduce_sum(layer(tf.constant([[1.0, 1.0]])))
    train = tf.train.GradientDescentOptimizer(100.0).minimize(y)
    values = trained(tf.trainable_variables(), train)
    assert len(values) == 2 and all(np.all(value == 0) for value in values)


def test_rows_have_none():
    v = tf.get_variable("v", [4, 2], constraint=not_below_0)
    loss = tf.reduce_sum(tf.nn.embedding_lookup(v, [1, 2]))
    with pytest.raises(RuntimeError, match="Cannot use a constraint function on a sparse variable"):
        tf.train.GradientDescentOptimizer(1.0).minimize(loss)


def test_what_is_no_function_is_an_error():
    with pytest.raises(ValueError, match="callable"):
        tf.get_variable("v", [], constraint=1)


def test_a_variable_that_is_there_twice_is_updated_twice():
    v = tf.get_variable("v", initializer=[1.0, 2.0])
    pairs = [(tf.constant([1.0, 1.0]), v), (tf.constant([2.0, 4.0]), v)]
    step = tf.train.get_or_create_global_step()
    train = tf.train.GradientDescentOptimizer(0.5).apply_gradients(pairs, step)
    value, steps = trained([v, step], train)
    assert value == pytest.approx([-0.5, -0.5]) and steps == 1


def test_the_second_update_sees_the_slots_of_the_first():
    v = tf.get_variable("v", initializer=[1.0, 2.0])
    pairs = [(tf.constant([1.0, 1.0]), v), (tf.constant([2.0, 4.0]), v)]
    train = tf.train.MomentumOptimizer(0.5, 0.9).apply_gradients(pairs)
    assert trained(v, train) == pytest.approx([-0.95, -0.95])
