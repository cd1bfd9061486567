"""What print() shows of tensors: TensorFlow 1's text."""

import pytest

import varscope.compat.v1 as tf


@pytest.mark.parametrize("make, text", [
    (lambda: tf.constant([1.0, 2.0], name="c"), 'Tensor("c:0", shape=(2,), dtype=float32)'),
    (lambda: tf.placeholder(tf.int32, [None, 2], name="p"),
     'Tensor("p:0", shape=(?, 2), dtype=int32)'),
    (lambda: tf.placeholder(tf.bool, name="q"), 'Tensor("q:0", dtype=bool)'),
    (lambda: tf.constant("a", name="s"), 'Tensor("s:0", shape=(), dtype=string)'),
])
def test_a_tensor(make, text):
    assert str(make()) == text


def test_repr_is_another():
    assert repr(tf.constant([1.0, 2.0], name="c")) == "<tf.Tensor 'c:0' shape=(2,) dtype=float32>"
