"""tf.TensorArray, alone and in loops. The figures are TensorFlow 2.21's compat.v1."""

import numpy as np
import pytest

import varscope.compat.v1 as tf


def value(x, feed=None):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(x, feed)


def test_what_is_written_is_stacked_by_its_number():
    array = tf.TensorArray(tf.float32, size=3)
    array = array.write(2, [5.0, 6.0]).write(0, [1.0, 2.0]).write(1, [3.0, 4.0])
    assert value(array.stack()).tolist() == [[1, 2], [3, 4], [5, 6]]
    assert value([array.size(), array.read(2)])[1].tolist() == [5, 6]
    assert value(array.gather([2, 0])).tolist() == [[5, 6], [1, 2]]
    assert value(array.concat()).tolist() == [1, 2, 3, 4, 5, 6]


def test_what_was_not_written_is_zeros():
    array = tf.TensorArray(tf.float32, size=4, element_shape=[2])
    stacked = array.write(0, [1.0, 2.0]).write(2, [3.0, 4.0]).stack()
    assert value(stacked).tolist() == [[1, 2], [0, 0], [3, 4], [0, 0]]
    assert stacked.shape.as_list()[1:] == [2]


def test_an_array_may_grow():
    array = tf.TensorArray(tf.float32, size=2, dynamic_size=True)
    array = array.write(0, [1.0, 2.0]).write(3, [3.0, 4.0])
    stacked, size = value([array.stack(), array.size()])
    assert stacked.tolist() == [[1, 2], [0, 0], [0, 0], [3, 4]] and size == 4


def test_rows_of_a_tensor():
    array = tf.TensorArray(tf.float32, size=2).unstack([[1.0, 2.0], [3.0, 4.0]])
    assert value([array.size(), array.read(1)])[0] == 2
    assert value(array.concat()).tolist() == [1, 2, 3, 4]
    placed = tf.TensorArray(tf.int32, 3).scatter([2, 0, 1], [7, 8, 9])
    assert value(placed.stack()).tolist() == [8, 9, 7]
    parts = tf.TensorArray(tf.int32, 2).split([1, 2, 3, 4], [2, 2])
    assert value(parts.stack()).tolist() == [[1, 2], [3, 4]]


def test_a_number_out_of_range_ends_the_run():
    array = tf.TensorArray(tf.float32, size=2).write(5, 1.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="index"):
        value(array.stack())


def test_a_number_that_is_written_twice_ends_the_run():
    array = tf.TensorArray(tf.float32, size=2).write(0, 1.0).write(0, 2.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="already_been_written_to"):
        value(array.stack())


def test_elements_have_one_shape():
    array = tf.TensorArray(tf.float32, size=2).write(0, [1.0])
    with pytest.raises(ValueError, match="Inconsistent shapes"):
        array.write(1, [1.0, 2.0])


def test_a_loop_writes_and_reads():
    xs = tf.placeholder(tf.float32, [None, 2])
    w = tf.get_variable("w", initializer=[2.0, 3.0])
    count = tf.shape(xs)[0]
    given = tf.TensorArray(tf.float32, count).unstack(xs)

    def body(i, made, total):
        x = given.read(i) * w
        return i + 1, made.write(i, total + x), total + x

    _, made, _ = tf.while_loop(lambda i, *_: i < count, body,
                               [0, tf.TensorArray(tf.float32, count), tf.zeros([2])])
    stacked = made.stack()
    slope, = tf.gradients(tf.reduce_sum(tf.square(stacked)), w)
    feed = {xs: [[1, 2], [3, 4]]}
    result, grad = value([stacked, slope], feed)
    sums = np.array([[1.0, 2.0], [4.0, 6.0]])
    assert result == pytest.approx(sums * [2.0, 3.0])
    assert grad == pytest.approx((2 * sums**2 * [2.0, 3.0]).sum(0))


def test_a_loop_may_read_what_it_wrote():
    start = tf.TensorArray(tf.int32, 10, clear_after_read=False).write(0, 1).write(1, 1)

    def body(i, array):
        return i + 1, array.write(i, array.read(i - 1) + array.read(i - 2))

    _, array = tf.while_loop(lambda i, _: i < 10, body, (2, start))
    assert value(array.stack()).tolist() == [1, 1, 2, 3, 5, 8, 13, 21, 34, 55]


def test_a_loop_takes_a_full_array_as_its_variable():
    rows = tf.TensorArray(tf.float32, 3).unstack([1.0, 2.0, 4.0])
    _, _, total = tf.while_loop(lambda i, *_: i < 3,
                                lambda i, rows, total: (i + 1, rows, total + rows.read(i)),
                                [0, rows, 0.0])
    assert value(total) == 7
