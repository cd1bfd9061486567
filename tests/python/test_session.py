"""Feeding and fetching, as TensorFlow does."""

import collections
import gc
import subprocess

import numpy as np
import pytest

import varscope
import varscope.compat.v1 as tf
from conftest import run_program, start_server


def test_fetches_keep_their_structure():
    Pair = collections.namedtuple("Pair", ["left", "right"])
    x = tf.constant([1.0, 2.0], name="x")
    nothing = tf.no_op()
    with tf.Session() as sess:
        fetched = sess.run({"a": [x, (x + 1, nothing)], "b": Pair(x * 2, {"c": "x:0"}), "d": []})
    assert list(fetched) == ["a", "b", "d"]
    assert fetched["a"][0].tolist() == [1, 2]
    assert fetched["a"][1][0].tolist() == [2, 3]
    assert fetched["a"][1][1] is None
    assert isinstance(fetched["a"][1], tuple)
    assert isinstance(fetched["b"], Pair)
    assert fetched["b"].left.tolist() == [2, 4]
    assert fetched["b"].right["c"].tolist() == [1, 2]
    assert fetched["d"] == []


def test_an_ordered_dict_stays_one():
    x = tf.constant(1.0)
    with tf.Session() as sess:
        fetched = sess.run(collections.OrderedDict([("z", x), ("a", x)]))
    assert isinstance(fetched, collections.OrderedDict)
    assert list(fetched.items()) == [("z", 1), ("a", 1)]


def test_a_scalar_is_numpys():
    with tf.Session() as sess:
        value = sess.run(tf.constant(2.5))
    assert isinstance(value, np.float32)
    assert value == 2.5


def test_what_is_fetched_can_be_written():
    v = tf.get_variable("v", [4], initializer=tf.ones_initializer())
    with tf.Session() as sess:
        first, second = sess.run([v, v])
        first += 1
        assert second.tolist() == [1] * 4
        assert sess.run(v).tolist() == [1] * 4


def test_any_tensor_can_be_fed():
    x = tf.placeholder(tf.float32, [None, 2])
    y = x * 2
    z = y + 1
    v = tf.get_variable("v", [2], initializer=tf.zeros_initializer())
    w = v + 1
    with tf.Session() as sess:
        assert sess.run(z, {x: [[1, 2]]}).tolist() == [[3, 5]]
        assert sess.run(z, {y: np.ones((1, 2))}).tolist() == [[2, 2]]
        assert sess.run(w, {v: [5, 6]}).tolist() == [6, 7]
        assert sess.run(z, {"Placeholder:0": [[0, 0]]}).tolist() == [[1, 1]]
        assert sess.run([y, z], {(x, y): ([[9, 9]], [[1, 1]])})[1].tolist() == [[2, 2]]


@pytest.mark.parametrize("dtype", [
    "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16",
    "uint32", "uint64", "bool", "bfloat16"
])
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)])
def test_every_dtype_comes_back_as_it_was(dtype, shape):
    type_ = tf.as_dtype(dtype).as_numpy_dtype
    value = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(type_)
    x = tf.placeholder(dtype, shape)
    with tf.Session() as sess:
        back = sess.run(tf.identity(x), {x: value})
    assert back.dtype == np.dtype(type_)
    np.testing.assert_array_equal(back, value)


def test_arrays_in_any_order_of_memory_are_fed():
    value = np.arange(12, dtype=np.float32).reshape(3, 4)
    x = tf.placeholder(tf.float32, [None, None])
    with tf.Session() as sess:
        for given in (value.T, value[::2], value[:, ::-1], np.asfortranarray(value),
                      value.astype(">f4"), value.astype(np.int64)):
            np.testing.assert_array_equal(sess.run(tf.identity(x), {x: given}), given)


def test_wrong_feeds_are_refused():
    x = tf.placeholder(tf.float32, [2], name="x")
    y = x + 1
    with tf.Session() as sess:
        with pytest.raises(ValueError, match=r"Cannot feed value of shape \(3,\) for Tensor x:0, "
                                             r"which has shape \(2,\)"):
            sess.run(y, {x: [1, 2, 3]})
        with pytest.raises(TypeError, match="The value of a feed cannot be a tf.Tensor"):
            sess.run(y, {x: y})
        with pytest.raises(TypeError, match="Cannot interpret feed_dict key as Tensor"):
            sess.run(y, {"nothing:0": [1, 2]})
        with pytest.raises(ValueError, match="x"):
            sess.run(y)


@pytest.mark.parametrize("fetch", [None, 3, object(), [None]])
def test_wrong_fetches_are_refused(fetch):
    with tf.Session() as sess, pytest.raises(TypeError, match="Fetch argument"):
        sess.run(fetch)


def test_another_graphs_tensor_is_refused():
    with tf.Graph().as_default():
        other = tf.constant(1.0)
    with tf.Session() as sess, pytest.raises(ValueError, match="not an element of this graph"):
        sess.run(other)


def test_a_closed_session_is_refused():
    x = tf.constant(1.0)
    sess = tf.Session()
    sess.close()
    with pytest.raises(RuntimeError, match="closed Session"):
        sess.run(x)


def test_default_sessions():
    x = tf.constant(3.0)
    v = tf.get_variable("v", [], initializer=tf.zeros_initializer())
    with pytest.raises(ValueError, match="No default session is registered"):
        x.eval()
    with tf.Session() as sess:
        assert tf.get_default_session() is sess
        assert x.eval() == 3
        v.assign(7.0).op.run()
        assert v.eval() == 7
        v.load(8.0)
        assert v.eval() == 8
    assert tf.get_default_session() is None
    interactive = tf.InteractiveSession()
    assert x.eval() == 3
    interactive.close()
    assert tf.get_default_session() is None


def test_graphs_without_a_target_have_stores_of_their_own():
    values = []
    for number in (1.0, 2.0):
        tf.reset_default_graph()
        v = tf.get_variable("v", initializer=number)
        with tf.Session() as sess:
            values.append(sess.run(v))
    assert values == [1, 2]


def test_the_private_server_ends_with_its_graph():
    def folder_of_a_server():
        with tf.Graph().as_default() as graph:
            with tf.Session() as sess:
                sess.run(tf.constant(1))
            return graph._kept.server._process

    process = folder_of_a_server()
    gc.collect()
    assert process.wait(timeout=60) is not None


def test_the_private_server_ends_with_a_killed_program():
    done = run_program("""
import os, signal
import varscope.compat.v1 as tf
sess = tf.Session()
print(tf.get_default_graph()._kept.server._folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
""")
    assert done.returncode == -9
    folder = done.stdout.strip()
    # The last to go is the folder; the watching shell removes it.
    subprocess.run(["timeout", "60", "sh", "-c", 'while [ -e "$1" ]; do sleep 0.05; done', "sh",
                    folder], check=True)


def test_a_graph_has_one_target():
    with start_server() as one, start_server() as other:
        tf.Session(one)
        tf.Session()
        with pytest.raises(ValueError, match="is connected to"):
            tf.Session(other)


def test_no_server():
    with pytest.raises(varscope.errors.UnavailableError):
        tf.Session("127.0.0.1:1", config=varscope.ConnectOptions(timeout=0.2))


def test_global_step_and_barrier():
    v = tf.get_variable("v", [2], initializer=tf.zeros_initializer())
    step = tf.train.get_or_create_global_step()
    train = tf.train.GradientDescentOptimizer(1.0).minimize(tf.reduce_sum(v), global_step=step)
    with tf.Session() as sess:
        for _ in range(3):
            sess.run(train)
        assert tf.train.global_step(sess, step) == 3
        assert sess.global_step == 3
        sess.barrier("here", 1)
        with pytest.raises(varscope.errors.DeadlineExceededError):
            sess.barrier("there", 2, timeout=0.1)
        assert sess.read("v").tolist() == [-3, -3]
