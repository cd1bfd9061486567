"""Initializers that a program calls, and those whose numbers are tensors; other words of TensorFlow 1.15
for flags, savers, shapes and graphs."""

import numpy as np
import pytest

import varscope.compat.v1 as tf


def run(*wanted):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(list(wanted))


def test_an_initializer_gives_tensors():
    made = tf.contrib.layers.xavier_initializer(seed=1)([300, 200])
    weights = tf.Variable(made)
    nothing = tf.zeros_initializer()((2,), tf.int32)
    given = tf.constant_initializer([1, 2, 3, 4])([2, 2])
    one, two, three, four = run(weights, nothing, given, tf.initializers.identity(2.0)([2, 3]))
    limit = np.sqrt(6 / 500)
    assert abs(one).max() <= limit and one.std() == pytest.approx(limit / np.sqrt(3), rel=0.02)
    assert two.dtype == np.int32 and two.tolist() == [0, 0]
    assert three.tolist() == [[1, 2], [3, 4]] and four.tolist() == [[2, 0, 0], [0, 2, 0]]


def test_called_or_not_the_numbers_of_a_seed_are_the_same():
    for kind in (tf.random_normal_initializer, tf.truncated_normal_initializer,
                 tf.random_uniform_initializer, tf.variance_scaling_initializer,
                 tf.glorot_normal_initializer, tf.uniform_unit_scaling_initializer):
        tf.reset_default_graph()
        variable = tf.get_variable("v", [3, 2], initializer=kind(seed=7))
        np.testing.assert_array_equal(*run(variable, kind(seed=7)([3, 2])))


def test_an_orthogonal_tensor():
    made, = run(tf.orthogonal_initializer(2.0, seed=1)([5, 3]))
    np.testing.assert_allclose(made.T @ made, 4 * np.eye(3), atol=1e-5)
    with pytest.raises(ValueError, match="two-dimensional"):
        tf.orthogonal_initializer()([3])


def test_numbers_of_an_initializer_that_are_tensors():
    limit = tf.sqrt(6.0 / 10)
    one = tf.get_variable("one", [50, 40], initializer=tf.random_uniform_initializer(-limit, limit))
    two = tf.get_variable("two", [50, 40], initializer=tf.truncated_normal_initializer(
        stddev=limit))
    first, second = run(one, two)
    assert 0.7 < abs(first).max() <= 0.7746 and 0 < second.std() < 0.8


def test_both_names_of_flags_arguments():
    flags = tf.app.flags
    flags.DEFINE_string(name="called_a", default="x", help="a")
    flags.DEFINE_integer("called_b", 3, "b", lower_bound=0)
    flags.DEFINE_float(flag_name="called_c", default_value=0.5, docstring="c")
    flags.DEFINE_enum("called_d", "u", ["u", "v"], help="d")
    assert (flags.FLAGS.called_a, flags.FLAGS.called_b) == ("x", 3)
    assert (flags.FLAGS.called_c, flags.FLAGS.called_d) == (0.5, "u")


def test_other_words_of_shapes():
    shape = tf.TensorShape([None, 3])
    assert shape.merge_with([2, None]).as_list() == [2, 3]
    assert tf.TensorShape(None).with_rank(2).as_list() == [None, None]
    assert shape.with_rank_at_least(1) is shape and shape.with_rank_at_most(2) is shape
    assert tf.Dimension(None).merge_with(4).value == 4
    for wrong in (lambda: shape.merge_with([2, 4]), lambda: shape.with_rank(3),
                  shape.assert_is_fully_defined, lambda: shape.assert_has_rank(1),
                  lambda: tf.Dimension(3).merge_with(4), lambda: shape.with_rank_at_least(3)):
        with pytest.raises(ValueError):
            wrong()


def test_other_words_of_graphs_savers_and_variables():
    v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    graph = tf.get_default_graph()
    assert graph.version == len(graph.get_operations()) and graph.is_feedable(v.op)
    assert "variables" in graph.collections and graph.get_collection_ref("mine") == []
    assert tf.train.get_global_step(graph) is None
    assert tf.train.get_or_create_global_step(graph) == tf.train.get_global_step()
    tf.train.Saver(write_version=tf.train.SaverDef.V2, allow_empty=True)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(v.scatter_add(tf.IndexedSlices([[1.0, 1.0]], [1])))
        assert session.run(v).tolist() == [[1, 2], [4, 5]]
        assert session.list_devices()[0].device_type == "CPU"
    assert tf.train.AdamOptimizer().variables() == []


def test_a_scope_may_have_a_function_and_another_initializer_later():
    asked = []

    def ones(shape, dtype=None, partition_info=None):
        asked.append(list(shape))
        return tf.ones(shape, dtype)

    with tf.variable_scope("s", initializer=ones) as scope:
        first = tf.get_variable("first", [2])
        scope.set_initializer(tf.constant_initializer(3.0))
        second = tf.get_variable("second", [2])
        with tf.variable_scope("inner"):
            inner = tf.get_variable("inner", [2])
    with tf.variable_scope(scope, reuse=True):
        assert tf.get_variable("first", [2]) is not None
    with tf.variable_scope(scope, initializer=tf.zeros_initializer()):
        assert tf.get_variable_scope().initializer is not scope.initializer
    with tf.variable_scope("s", reuse=True, initializer=ones):
        tf.get_variable("first", [2])  # which is there: nothing is called
    assert asked == [[2]]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        values = sess.run([first, second, inner])
    np.testing.assert_array_equal(values, [[1, 1], [3, 3], [3, 3]])


@pytest.mark.parametrize("number, dtype", [(2.5, tf.int32), (1.0, tf.bool), (1, tf.bool)])
def test_a_constant_of_another_kind_is_refused(number, dtype):
    with pytest.raises(TypeError, match="Expected"):
        tf.get_variable("x", [2], dtype, tf.constant_initializer(number))


def test_a_tensor_of_another_dtype_is_no_first_value():
    with pytest.raises(ValueError, match="Tensor conversion requested dtype float64"):
        tf.Variable(tf.zeros([2]), dtype=tf.float64)
    with pytest.raises(ValueError, match="must be a list, tuple, or set"):
        tf.get_variable("y", [2], collections="mine")
