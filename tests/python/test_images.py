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


def test_a_crop_needs_a_known_size():
    with pytest.raises(ValueError, match="when the graph is built"):
        tf.image.resize_image_with_crop_or_pad(tf.placeholder(tf.float32, [None, None, 3]), 2, 2)


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


COLORS = np.array([[[0.1, 0.5, 0.9], [0.3, 0.3, 0.3]], [[1, 0, 0], [0.2, 0.7, 0.1]]], np.float32)


@pytest.mark.parametrize("change, expected", [
    (lambda x: tf.image.rgb_to_hsv(x),
     [0.5833334, 0.8888888, 0.9, 0, 0, 0.3, 0, 1, 1, 0.3055556, 0.8571428, 0.7]),
    (lambda x: tf.image.hsv_to_rgb(tf.image.rgb_to_hsv(x)), COLORS.ravel()),
    (lambda x: tf.image.adjust_hue(x, 0.2),
     [0.66, 0.1, 0.9, 0.3, 0.3, 0.3, 0.8, 1, 0, 0.1, 0.68, 0.7]),
    (lambda x: tf.image.adjust_saturation(x, 0.5),
     [0.5, 0.7, 0.9, 0.3, 0.3, 0.3, 1, 0.5, 0.5, 0.45, 0.7, 0.4]),
    (lambda x: tf.image.adjust_gamma(x, 2.0),
     [0.01, 0.25, 0.81, 0.09, 0.09, 0.09, 1, 0, 0, 0.04, 0.49, 0.01]),
    (lambda x: tf.image.rot90(x)[..., 0], [0.3, 0.2, 0.1, 1]),
    (lambda x: tf.image.rot90(tf.image.rot90(x, 3)), COLORS.ravel()),
    (lambda x: tf.image.rot90(x, 2)[..., 0], [0.2, 1, 0.3, 0.1]),
])
def test_colors_and_turns(change, expected):
    np.testing.assert_allclose(run(change(tf.constant(COLORS))).ravel(), expected, atol=1e-6)


def test_colors_of_bytes():
    turned = run(tf.image.adjust_hue((COLORS * 255).astype(np.uint8), 0.2))
    assert turned.tolist() == [[[168, 25, 229], [76, 76, 76]], [[204, 255, 0], [25, 173, 178]]]


def test_the_middle_of_an_image():
    x = np.arange(2 * 5 * 7).reshape(2, 5, 7, 1)
    middle = run(tf.image.central_crop(x, 0.5))[..., 0]
    assert middle.tolist() == [[list(range(n, n + 5)) for n in first]
                               for first in ((8, 15, 22), (43, 50, 57))]
    fed = tf.placeholder(tf.int64, [None, None, 1])
    with tf.Session() as sess:
        made = sess.run(tf.image.central_crop(fed, 0.5), {fed: x[0]})
    np.testing.assert_array_equal(made[..., 0], middle[0])
    with pytest.raises(ValueError, match="central_fraction"):
        tf.image.central_crop(x, 0.0)


def test_random_colors_stay_within_their_range():
    hue = tf.image.rgb_to_hsv(tf.image.random_hue(COLORS[1:, :1], 0.1))[0, 0, 0]
    weak = tf.image.rgb_to_hsv(tf.image.random_saturation(COLORS[1:, :1], 0.2, 0.4))[0, 0, 1]
    for _ in range(5):
        turned, share = run([hue, weak])
        assert min(turned, 1 - turned) <= 0.1 + 1e-6 and 0.2 <= share <= 0.4
    with pytest.raises(ValueError, match="max_delta"):
        tf.image.random_hue(COLORS, 0.6)
