"""Images of other sizes and orders, beside TensorFlow 2.21's, as tf.compat.v1 printed them."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

X = np.array([[1, 4, 2], [8, 5, 7]], np.float32).reshape(2, 3, 1)


def run(x):
    with tf.Session() as sess:
        return sess.run(x)


@pytest.mark.parametrize("method, align_corners, expected", [
    (tf.image.ResizeMethod.BILINEAR, False, [1, 3, 5.666667, 5, 8, 6]),
    (tf.image.ResizeMethod.BILINEAR, True, [1, 2, 4.5, 4.5, 8, 7]),
    (tf.image.ResizeMethod.NEAREST_NEIGHBOR, False, [1, 4, 1, 4, 8, 5]),
    (tf.image.ResizeMethod.NEAREST_NEIGHBOR, True, [1, 2, 8, 7, 8, 7]),
])
def test_another_size(method, align_corners, expected):
    one = tf.image.resize_images(X, [3, 2], method, align_corners)
    np.testing.assert_allclose(run(one).ravel(), expected, rtol=1e-6)
    batch = tf.image.resize_images(np.stack([X, X]), (3, 2), method, align_corners)
    np.testing.assert_allclose(run(batch)[1], run(one))


def test_the_same_size_changes_nothing():
    np.testing.assert_array_equal(run(tf.image.resize_images(X, [2, 3])), X)


def test_sizes_must_be_known():
    with pytest.raises(ValueError, match="when the graph is built"):
        tf.image.resize_images(tf.placeholder(tf.float32, [None, None, 3]), [2, 2])


def test_middles():
    part = run(tf.image.resize_image_with_crop_or_pad(X, 4, 1))
    np.testing.assert_array_equal(part.ravel(), [0, 4, 5, 0])


def test_flips():
    np.testing.assert_array_equal(run(tf.image.flip_left_right(X)), X[:, ::-1])
    np.testing.assert_array_equal(run(tf.image.flip_up_down(np.stack([X]))), X[None, ::-1])


def test_random_ones_have_tensorflows_seeds():
    firsts = [run(tf.image.random_flip_left_right(X, seed=i))[0, 0, 0] for i in range(6)]
    assert firsts == [2, 2, 1, 2, 1, 2]
    np.testing.assert_array_equal(run(tf.random_crop(X, [1, 2, 1], seed=3)).ravel(), [4, 2])
