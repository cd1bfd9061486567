"""Tensors of strings where TensorFlow 1 programs have tensors of numbers: concat, reshape, equal."""

import numpy as np
import pytest

import varscope.compat.v1 as tf


def run(fetches, feeds=None):
    with tf.Session() as sess:
        return sess.run(fetches, feeds)


def test_ops_of_shapes_take_texts():
    a = tf.constant(["ab c", "d"])
    for made, texts in [
            (tf.concat([a, a], 0), [b"ab c", b"d", b"ab c", b"d"]),
            (tf.stack([a[0], a[1]]), [b"ab c", b"d"]),
            (tf.stack([a, ["x", "y"]]), [[b"ab c", b"d"], [b"x", b"y"]]),
            (tf.reshape(a, [2, 1]), [[b"ab c"], [b"d"]]),
            (tf.expand_dims(a, 0), [[b"ab c", b"d"]]),
            (tf.squeeze(tf.expand_dims(a, 0), [0]), [b"ab c", b"d"]),
            (tf.gather(a, tf.constant([1, 0])), [b"d", b"ab c"]),
            (tf.gather(a, [1]), [b"d"]),
            (tf.tile(a, [2]), [b"ab c", b"d", b"ab c", b"d"]),
            (tf.reverse(a, [0]), [b"d", b"ab c"]),
            (tf.where([True, False], a, ["q", "r"]), [b"ab c", b"r"]),
            (tf.identity(a, name="same"), [b"ab c", b"d"])]:
        assert run(made).tolist() == texts
        assert made.shape.is_compatible_with(np.shape(texts))
    assert tf.identity(a, name="other").name == "other:0"


def test_texts_are_compared_and_counted():
    a = tf.constant(["ab c", "d"])
    assert run(tf.equal(a, "d")).tolist() == [False, True]
    assert run(tf.not_equal("d", a)).tolist() == [True, False]
    right = tf.reduce_mean(tf.cast(tf.equal(a, ["d", "d"]), tf.float32))
    assert run(right) == 0.5
    assert (run(tf.size(a)), run(tf.shape(a)).tolist()) == (2, [2])
    fed = tf.placeholder(tf.string, [None])
    assert run([tf.size(fed), tf.equal(fed, "a")], {fed: ["a", "b", "c"]})[1].tolist() == [
        True, False, False]


def test_lists_of_texts_and_tensors_are_one_tensor():
    line = tf.placeholder(tf.string, [])
    parts = tf.string_split([line, "x y"])
    assert run(parts.values, {line: "a b"}).tolist() == [b"a", b"b", b"x", b"y"]
    assert run(tf.convert_to_tensor([line, "z"]), {line: "q"}).tolist() == [b"q", b"z"]
    with pytest.raises(ValueError, match="feed a value"):
        run(parts.values)
