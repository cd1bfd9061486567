"""Scopes, and what get_variable takes from them."""

import numpy as np
import pytest

import varscope
import varscope.compat.v1 as tf


def run(x):
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run(x)


def test_scopes_and_names():
    with tf.variable_scope("a", reuse=tf.AUTO_REUSE) as a:
        assert a.name == "a" and a.reuse is tf.AUTO_REUSE
        assert a.original_name_scope == "a/" and a.dtype == tf.float32
        v = tf.get_variable("v", [2])
        assert tf.get_variable("v", [2]) == v
        with tf.variable_scope(None, "inner") as inner:
            assert inner.name == "a/inner"
    with tf.variable_scope(a, auxiliary_name_scope=False):
        assert tf.get_variable("v").name == "a/v:0"
        assert tf.no_op().name == "NoOp"
    with tf.variable_scope("a", reuse=True), pytest.raises(ValueError, match="a/w does not exist"):
        tf.get_variable("w", [1])
    assert tf.get_variable_scope().name == ""
    assert tf.get_variable_scope().reuse is False


def test_a_scope_opens_in_its_values_graph():
    with tf.Graph().as_default() as other:
        x = tf.constant(1.0)
    with tf.variable_scope("s", values=[x]):
        assert tf.get_default_graph() == other
    assert tf.get_default_graph() != other
    with tf.name_scope(None, "n", [x]) as scope:
        assert scope == "n/"


def test_a_scope_is_closed_when_its_block_raises():
    with pytest.raises(KeyError):
        with tf.variable_scope("a"), tf.name_scope("b"):
            raise KeyError("b")
    assert tf.get_variable_scope().name == ""
    assert tf.get_default_graph().get_name_scope() == ""


@pytest.mark.parametrize("scope, error", [("a b", ValueError), (3, TypeError)])
def test_wrong_scopes(scope, error):
    with pytest.raises(error), tf.variable_scope(scope):
        pass
    with pytest.raises(TypeError, match="name_or_scope is required"):
        tf.variable_scope(None)
    with pytest.raises(ValueError, match="reuse"):
        tf.variable_scope("a", reuse="yes")
    with tf.variable_scope("a", caching_device="/cpu:0") as a:
        assert a.caching_device is None


@pytest.mark.parametrize("initializer, shape, expected", [
    (tf.zeros_initializer(), [2], [0, 0]),
    (tf.zeros_initializer, [2], [0, 0]),
    (tf.ones_initializer(), [2], [1, 1]),
    (tf.constant_initializer(0.5), [2], [0.5, 0.5]),
    (tf.constant_initializer([1, 2, 3, 4]), [2, 2], [[1, 2], [3, 4]]),
    (np.array([1.0, 2.0], np.float32), None, [1, 2]),
    ([3.0, 4.0], None, [3, 4]),
    (2.0, None, 2),
    (lambda shape, dtype: tf.ones(shape, dtype) * 3, [2], [3, 3]),
    (tf.initializers.identity(), [2, 2], [[1, 0], [0, 1]]),
])
def test_initializers(initializer, shape, expected):
    v = tf.get_variable("v", shape, initializer=initializer)
    assert run(v).tolist() == expected


@pytest.mark.parametrize("initializer", [
    tf.random_normal_initializer(5.0, 0.1, seed=1), tf.random_uniform_initializer(4.0, 6.0, seed=1),
    tf.truncated_normal_initializer(5.0, 0.1, seed=1)
])
def test_random_initializers_with_a_seed(initializer):
    values = []
    for _ in range(2):
        tf.reset_default_graph()
        values.append(run(tf.get_variable("v", [1000], initializer=initializer)))
    np.testing.assert_array_equal(values[0], values[1])
    assert abs(values[0].mean() - 5) < 0.1 and values[0].std() > 0.05


def test_scopes_hand_on_initializer_dtype_and_regularizer():
    def regularizer(variable):
        return tf.reduce_sum(variable) if variable.name == "s/v:0" else None

    with tf.variable_scope("s", initializer=tf.ones_initializer(), dtype=tf.float64,
                           regularizer=regularizer):
        v = tf.get_variable("v", [3])
        tf.get_variable("w", [3])
    assert v.dtype == tf.float64
    losses = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    assert len(losses) == 1 and run(losses[0]) == 3


def test_partitioners():
    v = tf.get_variable("v", [5, 2], partitioner=tf.fixed_size_partitioner(2),
                        initializer=tf.ones_initializer())
    assert v.is_partitioned and [p.name for p in v] == ["v/part_0:0", "v/part_1:0"]
    assert [p.shape.as_list() for p in v] == [[3, 2], [2, 2]]
    assert run(v).shape == (5, 2)

    def by_columns(shape, dtype):
        assert shape.as_list() == [2, 4] and dtype == tf.float32
        return [1, 2]

    assert len(list(tf.get_variable("w", [2, 4], partitioner=by_columns))) == 2
    with pytest.raises(LookupError):
        tf.get_variable("u", [2], partitioner=tf.fixed_size_partitioner(2, axis=1))
    with pytest.raises(TypeError, match="not iterable"):
        list(tf.get_variable("whole", [2]))


def test_custom_getters():
    seen = []

    def outer(getter, name, *args, **kwargs):
        seen.append(("outer", name, kwargs["shape"].as_list()))
        return getter(name, *args, **kwargs)

    def inner(getter, name, *args, **kwargs):
        seen.append(("inner", name, kwargs["dtype"]))
        kwargs["initializer"] = tf.constant_initializer(4.0).of(None, tf.float32)
        return getter(name + "_renamed", *args, **kwargs)

    with tf.variable_scope("a", custom_getter=outer), tf.variable_scope("b", custom_getter=inner):
        v = tf.get_variable("v", [2])
    assert seen == [("inner", "a/b/v", tf.float32), ("outer", "a/b/v_renamed", [2])]
    assert v.name == "a/b/v_renamed:0" and run(v).tolist() == [4, 4]


def test_a_getter_that_outlives_its_call_says_so():
    kept = []

    def keep(getter, name, **kwargs):
        kept.append(getter)
        return getter(name, **kwargs)

    tf.get_variable("v", [1], custom_getter=keep)
    with pytest.raises(RuntimeError, match="is over"):
        kept[0]("w")


@pytest.mark.parametrize("server_side", [False, True])
def test_exceptions_of_callbacks_come_through(server_side):
    class Mine(Exception):
        pass

    def getter(*_, **__):
        raise Mine("getter")

    def part(shape, dtype):
        raise Mine("partitioner")

    graph = tf.Graph()
    with graph.as_default():
        if server_side:
            tf.Session()
        with pytest.raises(Mine, match="getter"):
            tf.get_variable("v", [1], custom_getter=getter)
        with pytest.raises(Mine, match="partitioner"):
            tf.get_variable("v", [1], partitioner=part)
        with pytest.raises(Mine):
            tf.get_variable("u", [1], regularizer=getter)
        with pytest.raises(TypeError, match="Expected a variable"):
            tf.get_variable("v", [1], custom_getter=lambda *_, **__: 3)
        assert tf.get_variable("w", [1]).name == "w:0"


def test_variable():
    assert isinstance(tf.Variable([1, 2]), tf.Variable)
    assert tf.Variable([1, 2]).dtype == tf.int32
    assert tf.Variable([1, 2], dtype=tf.float32).dtype == tf.float32
    assert tf.Variable(lambda: 3.0).dtype == tf.float32
    named = tf.Variable(1.0, trainable=False, name="n", collections=["variables", "mine"])
    assert named.name == "n:0" and not named.trainable
    assert tf.get_collection("mine") == [named]
    assert named not in tf.trainable_variables() and named in tf.global_variables()
    local = tf.Variable(1.0, collections=[tf.GraphKeys.LOCAL_VARIABLES])
    assert tf.local_variables() == [local] and local not in tf.global_variables()
    v = tf.Variable(tf.random_normal([3, 2], stddev=2.0), name="random")
    assert run(v).shape == (3, 2)


def test_collections_by_scope():
    with tf.variable_scope("D"):
        d = tf.get_variable("w", [1])
    with tf.variable_scope("G"):
        g = tf.get_variable("w", [1])
    assert tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="D") == [d]
    assert tf.trainable_variables("G") == [g]
    assert tf.global_variables() == [d, g]
    tf.add_to_collection("things", d)
    assert tf.get_default_graph().get_collection("things") == [d]


def test_assignments():
    v = tf.get_variable("v", [3], initializer=tf.zeros_initializer())
    with tf.Session() as sess:
        assert sess.run(v.assign([1, 2, 3])).tolist() == [1, 2, 3]
        assert sess.run(tf.assign_add(v, [1, 1, 1])).tolist() == [2, 3, 4]
        assert sess.run(tf.assign_sub(v, np.ones(3))).tolist() == [1, 2, 3]
        assert sess.run(tf.scatter_update(v, [0, 2], [7.0, 8.0])).tolist() == [7, 2, 8]
        assert sess.run(tf.scatter_add(v, [1, 1], [1.0, 1.0])).tolist() == [7, 4, 8]
        assert sess.run(v.assign_add([0, 0, 1], read_value=False)) is None
        assert sess.run(v).tolist() == [7, 4, 9]


def test_two_workers_that_disagree_are_told_of_both(server):
    with tf.Graph().as_default():
        tf.Session(server)
        tf.get_variable("shared", [2])
    with tf.Graph().as_default():
        tf.Session(server)
        with tf.variable_scope("", reuse=tf.AUTO_REUSE), pytest.raises(ValueError) as caught:
            tf.get_variable("shared", [3])
    text = str(caught.value)
    assert 'tf.get_variable("shared", [2])' in text and 'tf.get_variable("shared", [3])' in text
    assert __file__ in text


def test_creators_show_the_python_line(server):
    store = varscope.connect(server)
    store.get_variable("here", [1])
    (listed,) = store.list("here")
    assert "test_variables.py:" in listed.created_by


@pytest.mark.parametrize("trainable, expected", [
    (tf.float32, True), (1, True), (0, False), (None, True), (False, False)])
def test_what_a_script_says_of_training_is_taken_as_python_takes_it(trainable, expected):
    v = tf.Variable([0.5, 0.3], trainable)
    assert v.trainable is expected and v.dtype == tf.float32


def test_a_shape_that_is_known_later():
    x = tf.placeholder(tf.float32)
    x.set_shape([None, 3])
    assert x.get_shape().as_list() == [None, 3]
    x.set_shape([2, None])
    assert x.get_shape().as_list() == [2, 3] and tf.matmul(x, tf.ones([3, 1])).shape == [2, 1]
    with pytest.raises(ValueError, match="must be equal"):
        x.set_shape([2, 4])
    assert len(x.consumers()) == 1
