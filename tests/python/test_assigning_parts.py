"""Assigning to parts of variables: what TensorFlow 2.21 makes of it, and that nothing else is lost."""

import threading

import numpy as np
import pytest

import varscope.compat.v1 as tf

NUMBERS = np.arange(24.0).reshape(4, 3, 2)
PARTS = {
    "a row": 1, "the last row": -1, "rows": slice(1, 3), "every other row": slice(None, None, 2),
    "rows from the end": slice(None, None, -1), "a column": (slice(None), 1),
    "one number": (2, 1, 0), "inside rows": (slice(1, None), slice(None, 2), 1),
    "the end of each": (Ellipsis, 1), "in the middle": (1, Ellipsis, 0), "all to the end": (2, Ellipsis),
    "all": Ellipsis, "all but once": slice(None),
    "no rows": slice(2, 2), "rows that are not there": slice(9, None),
    "a new axis": (None, 1), "a new axis inside": (1, None, 2),
    "each way": (slice(None, None, -2), slice(None, None, -1), 0),
    "a number of NumPy's": (np.int64(3), slice(np.int32(1), None)),
}


def changed(variable, assignment):
    with tf.Session() as sess:
        sess.run(variable.initializer)
        found = sess.run(assignment)
        np.testing.assert_array_equal(found, sess.run(variable))
        return found


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_as_numpy_does(part, dtype):
    start = (NUMBERS % 5 == 0 if dtype == "bool" else NUMBERS).astype(dtype)
    expected = start.copy()
    given = (expected[PARTS[part]] == 0).astype(dtype)
    expected[PARTS[part]] = given
    v = tf.get_variable("v", initializer=start)
    np.testing.assert_array_equal(changed(v, v[PARTS[part]].assign(given)), expected)


def test_by_what_repeats_to_the_part():
    v = tf.get_variable("v", initializer=np.zeros([3, 2]))
    assert changed(v, v[1:].assign([1.0, 2.0])).tolist() == [[0, 0], [1, 2], [1, 2]]
    assert changed(v, tf.assign(v[:, :1], 5.0)).tolist() == [[5, 0], [5, 2], [5, 2]]
    fed = tf.placeholder(tf.float64, [None])
    with tf.Session() as sess:
        assert sess.run(v[0].assign(fed), {fed: [3.0]}).tolist() == [[3, 3], [5, 2], [5, 2]]
    for wrong in ([1.0, 2.0, 3.0], np.ones([2, 1, 2])):
        with pytest.raises(ValueError, match=r"a part of shape \(2, 2\) of variable v:0"):
            v[1:].assign(wrong)


def test_of_a_number_and_of_a_variable_in_another_collection():
    few = tf.get_variable("few", [2], initializer=tf.zeros_initializer())
    assert changed(few, few[..., 1].assign(4.0)).tolist() == [0, 4]
    number = tf.get_variable("number", [], initializer=tf.zeros_initializer())
    assert changed(number, number[...].assign(4.0)) == 4
    own = tf.get_variable("own", [3], initializer=tf.zeros_initializer(), collections=["mine"])
    assert changed(own, own[1].assign(4.0)).tolist() == [0, 4, 0]
    local = tf.get_local_variable("local", [3], initializer=tf.zeros_initializer())
    assert changed(local, local[1].assign(4.0)).tolist() == [0, 4, 0]


def test_in_another_graph_than_the_default_one():
    with tf.Graph().as_default() as graph:
        v = tf.get_variable("v", [2], initializer=tf.zeros_initializer())
        first = v[0]
    done = first.assign(7.0)
    with tf.Session(graph=graph) as sess:
        sess.run(v.initializer)
        assert sess.run(done).tolist() == [7, 0]


def test_what_is_no_part_has_no_assign():
    v = tf.get_variable("v", [3], initializer=tf.zeros_initializer())
    assert hasattr(v[0], "assign")
    for other in (v + 1, tf.ones([2]), tf.ones([2])[0], v[np.array([True, False, True])],
                  v[tf.constant(1)]):
        assert not hasattr(other, "assign")
        with pytest.raises(AttributeError, match="only a variable, or a part of one"):
            other.assign(1.0)
        with pytest.raises(AttributeError, match="only a variable can be assigned to"):
            tf.assign(other, 1.0)


def test_workers_do_not_undo_each_others_rows(server):
    v = tf.get_variable("v", [2, 50000], initializer=tf.zeros_initializer())
    fed = tf.placeholder(tf.float32, [])
    init, steps = tf.global_variables_initializer(), [v[i].assign(fed).op for i in range(2)]
    rows, lost = [v[0], v[1]], []

    def work(i):
        with tf.Session(server, graph=v.graph) as sess:
            sess.run(init)
            for n in range(1, 200):
                sess.run(steps[i], {fed: n})
                if sess.run(rows[i])[0] != n:
                    lost.append((i, n))

    with tf.Session(server) as sess:
        sess.run(init)
    threads = [threading.Thread(target=work, args=[i]) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not lost
