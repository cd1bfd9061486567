"""Each thread has scopes of its own: TensorFlow's tests 80 and 81 of scopes, and what follows from
that."""

import threading

import pytest

import varscope.compat.v1 as tf
from another_thread import in_thread


def test_80_a_second_thread_cannot_create_the_name_while_the_first_is_in_the_scope():
    inside, may_leave = threading.Event(), threading.Event()
    graph, made = tf.get_default_graph(), []

    def first():
        with graph.as_default(), tf.variable_scope("foo"):
            made.append(tf.get_variable("v", []))
            inside.set()
            may_leave.wait(20)
            made.append(tf.get_variable("u", []))

    def second():
        with tf.variable_scope("foo"):
            tf.get_variable("v", [])

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait(20)
    with pytest.raises(ValueError, match="foo/v already exists"):
        in_thread(second)
    assert tf.get_variable("v", []).name == "v:0"
    may_leave.set()
    thread.join()
    assert [v.name for v in made] == ["foo/v:0", "foo/u:0"]


def test_81_a_thread_enters_a_scope_of_the_main_thread():
    made = []

    def work(scope):
        made.append(tf.get_variable("v", [1]).name)
        with tf.variable_scope(scope):
            made.append(tf.get_variable("v", [1]).name)
        made.append(tf.get_variable_scope().name)

    with tf.variable_scope("main") as scope:
        in_thread(lambda: work(scope))
        made.append(tf.get_variable("u", [1]).name)
    assert made == ["v:0", "main/v:0", "", "main/u:0"]


def test_names_are_the_graphs_and_scopes_the_threads():
    with tf.name_scope("outer"), tf.control_dependencies([tf.no_op("before")]):
        made = []
        in_thread(lambda: made.append(tf.no_op("x")))
        in_thread(lambda: made.append(tf.no_op("x")))
        made.append(tf.no_op("x"))
    assert [op.name for op in made] == ["x", "x_1", "outer/x"]
    assert [len(op.control_inputs) for op in made] == [0, 0, 1]


def test_a_thread_may_be_in_a_branch_while_another_adds_ops():
    x = tf.placeholder(tf.float32, [])
    graph, made = tf.get_default_graph(), []

    def inside():
        in_thread(lambda: made.append(tf.constant(3.0, name="outside")))
        return x * 2

    y = tf.cond(x > 0, inside, lambda: -x)
    assert made[0].graph == graph
    with tf.Session() as session:
        assert session.run([y, made[0] + 1], {x: 5.0}) == [10.0, 4.0]


def test_creators_are_those_of_one_thread():
    seen = []

    def creator(next_creator, **kwargs):
        seen.append(kwargs["name"])
        return next_creator(**kwargs)

    with tf.variable_creator_scope(creator):
        in_thread(lambda: tf.Variable(1.0, name="other"))
        tf.Variable(1.0, name="own")
    assert seen == ["own"]


def test_default_names_are_counted_in_each_thread():
    def work():
        with tf.variable_scope(None, "layer") as scope:
            names.append(scope.name)

    names = []
    work()
    in_thread(work)
    work()
    # As TensorFlow: a new thread begins to count, so that two networks meet in one name.
    assert names == ["layer", "layer", "layer_1"]
