"""Elements that change their places, convolutions of each channel, second derivatives. The figures are
TensorFlow 2.21's compat.v1."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

RANDOM = np.random.RandomState(5)
X = RANDOM.rand(2, 4, 4, 3).astype(np.float32)
APART = RANDOM.rand(2, 2, 3, 2).astype(np.float32)
JOINED = RANDOM.rand(1, 1, 6, 4).astype(np.float32)


def run(x):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(x)


def test_each_channel_by_itself():
    made = run(tf.nn.depthwise_conv2d(X, APART, [1, 1, 1, 1], "VALID"))
    expected = np.einsum("yxc,yxcn->cn", X[0, 1:3, 2:4], APART).ravel()
    np.testing.assert_allclose(made[0, 1, 2], expected, rtol=1e-5)
    assert made.shape == (2, 3, 3, 6)
    joined = run(tf.nn.separable_conv2d(X, APART, JOINED, [1, 1, 1, 1], "VALID"))
    np.testing.assert_allclose(joined, made @ JOINED[0, 0], rtol=1e-5)
    steps = run(tf.nn.conv1d(X[:, 0], APART[0], 1, "VALID"))
    expected = X[:, 0, :-1] @ APART[0, 0] + X[:, 0, 1:] @ APART[0, 1]
    np.testing.assert_allclose(steps, expected, rtol=1e-5)


@pytest.mark.parametrize("make, expected", [
    (lambda: tf.roll([1, 2, 3, 4], 1, 0), [4, 1, 2, 3]),
    (lambda: tf.roll([[1, 2], [3, 4], [5, 6]], [1, -1], [0, 1]), [[6, 5], [2, 1], [4, 3]]),
    (lambda: tf.bincount([1, 1, 3]), [0, 2, 0, 1]),
    (lambda: tf.bincount([1, 1, 3], minlength=6), [0, 2, 0, 1, 0, 0]),
    (lambda: tf.bincount([1, 1, 3], maxlength=2), [0, 2]),
    (lambda: tf.bincount([1, 1, 3], weights=[0.5, 1.0, 2.0]), [0, 1.5, 0, 2]),
    (lambda: tf.matrix_transpose([[[1, 2], [3, 4]]]), [[[1, 3], [2, 4]]]),
    (lambda: tf.depth_to_space(np.arange(16.0).reshape(1, 2, 2, 4), 2)[0, ..., 0],
     [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]),
    (lambda: tf.space_to_depth(np.arange(16.0).reshape(1, 4, 4, 1), 2)[0],
     [[[0, 1, 4, 5], [2, 3, 6, 7]], [[8, 9, 12, 13], [10, 11, 14, 15]]]),
    (lambda: tf.extract_image_patches(np.arange(9.0, dtype=np.float32).reshape(1, 3, 3, 1),
                                      [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], "VALID")[0],
     [[[0, 1, 3, 4], [1, 2, 4, 5]], [[3, 4, 6, 7], [4, 5, 7, 8]]]),
])
def test_places(make, expected):
    assert run(make()).tolist() == expected


def test_second_derivatives():
    v = tf.constant([1.0, 2.0])
    assert run(tf.hessians(tf.reduce_sum(v**3) + v[0] * v[1], v))[0].tolist() == [[6, 1], [1, 12]]


def test_layers_as_objects_use_their_variables_again():
    x = tf.constant(X)
    training = tf.placeholder_with_default(True, [])
    conv, norm = tf.layers.Conv2D(4, 2, activation=tf.nn.relu), tf.layers.BatchNormalization()
    pool, flat, drop = tf.layers.MaxPooling2D(2, 1), tf.layers.Flatten(), tf.layers.Dropout(0.0)
    first = drop(flat(pool(norm(conv(x), training=training))), training=training)
    second = drop(flat(pool(norm(conv(x), training=training))), training=training)
    assert [v.op.name for v in tf.trainable_variables()] == [
        "conv2d/kernel", "conv2d/bias", "batch_normalization/gamma", "batch_normalization/beta"]
    assert conv.kernel == tf.trainable_variables()[0] and conv.bias.shape.as_list() == [4]
    assert len(norm.variables) == 4 and len(norm.trainable_weights) == 2 and norm.updates
    a, b = run([first, second])
    np.testing.assert_array_equal(a, b)
    tf.layers.Conv2D(1, 1)(x)
    assert tf.trainable_variables()[-1].op.name == "conv2d_1/bias"
    named = tf.layers.SeparableConv2D(5, 2, name="apart")
    assert run(tf.shape(named(x))).tolist() == [2, 3, 3, 5]
    assert [v.op.name for v in named.variables] == [
        "apart/depthwise_kernel", "apart/pointwise_kernel", "apart/bias"]


def test_pooling_of_sequences():
    x = tf.constant(np.arange(8.0, dtype=np.float32).reshape(1, 4, 2))
    assert run(tf.layers.max_pooling1d(x, 2, 2)).tolist() == [[[2, 3], [6, 7]]]
    assert run(tf.layers.average_pooling1d(x, 2, 2)).tolist() == [[[1, 2], [5, 6]]]
    assert run(tf.layers.MaxPooling1D(2, 2)(x)).tolist() == [[[2, 3], [6, 7]]]
