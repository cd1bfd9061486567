"""What is not chosen does not count, whatever it is; the answers are NumPy's and TensorFlow 2.21's."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

INF, NAN = np.inf, np.nan
ODD = [INF, -INF, NAN]


def run(x, feed=None):
    with tf.Session() as sess:
        return sess.run(x, feed)


def equal(x, expected, feed=None):
    np.testing.assert_array_equal(run(x, feed), expected)


MATRIX = np.array([[1, INF, NAN, 2], [-INF, 4, NAN, 3], [7, NAN, 6, INF]], np.float32)
SHAPES = [(3, 3), (2, 3), (3, 2), (1, 4), (3, 1)]


def given(array, known):
    """The array as a constant, or as a placeholder of which the rank alone is known."""
    if known:
        return tf.constant(array), {}
    x = tf.placeholder(array.dtype, [None] * array.ndim)
    return x, {x: array}


@pytest.mark.parametrize("value", [*ODD, 2])
@pytest.mark.parametrize("known", [True, False])
def test_padding(value, known):
    x, feed = given(MATRIX, known)
    equal(tf.pad(x, [[1, 0], [0, 2]], constant_values=value),
          np.pad(MATRIX, [[1, 0], [0, 2]], constant_values=value), feed)


def test_paddings_may_be_a_tensor():
    equal(tf.pad(MATRIX, tf.constant([[1, 0], [0, 2]])), np.pad(MATRIX, [[1, 0], [0, 2]]))
    with pytest.raises(NotImplementedError, match="when the graph is built"):
        tf.pad(MATRIX, tf.placeholder(tf.int32, [2, 2]))


@pytest.mark.parametrize("on", [*ODD, 5.0, None])
@pytest.mark.parametrize("off", [*ODD, 0.0, None])
def test_one_hot(on, off):
    expected = np.full([3, 4], 0 if off is None else off, np.float32)
    expected[0, 1] = expected[2, 3] = 1 if on is None else on
    equal(tf.one_hot([1, 7, 3], 4, on, off), expected)
    equal(tf.one_hot([1, 7, 3], 4, on, off, axis=0), expected.T)


def test_both_values_of_one_hot_have_one_dtype():
    with pytest.raises(TypeError, match="int32 of on_value does not match dtype float32"):
        tf.one_hot([1], 4, 5, -INF)
    equal(tf.one_hot([1], 2, 5, -INF, dtype=tf.float32), [[-INF, 5]])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("known", [True, False])
def test_parts_of_matrices(shape, known):
    matrix = MATRIX[:shape[0], :shape[1]]
    x, feed = given(matrix, known)
    equal(tf.matrix_diag_part(x), np.diagonal(matrix), feed)
    equal(tf.matrix_diag_part(tf.stack([x, x + 1])), [np.diagonal(matrix), np.diagonal(matrix) + 1],
          feed)
    rows, columns = np.indices(shape)
    for lower in range(-1, shape[0] + 1):
        for upper in range(-1, shape[1] + 1):
            inside = ((lower < 0) | (rows - columns <= lower)) & (
                (upper < 0) | (columns - rows <= upper))
            equal(tf.matrix_band_part(x, lower, upper), np.where(inside, matrix, 0), feed)
    equal(tf.trace(x), np.diagonal(matrix).sum(), feed)
    with pytest.raises(tf.errors.InvalidArgumentError, match="num_lower must be negative"):
        run(tf.matrix_band_part(x, shape[0] + 1, 0), feed)


@pytest.mark.parametrize("known", [True, False])
def test_diagonals(known):
    row = MATRIX[0]
    x, feed = given(row, known)
    expected = np.where(np.eye(4, dtype=bool), row, 0)
    equal([tf.matrix_diag(x), tf.diag(x)], [expected, expected], feed)


@pytest.mark.parametrize("default", [*ODD, 0, 9])
def test_sparse_to_dense(default):
    expected = np.full([4], default, np.float32)
    expected[[0, 2]] = [1, INF]
    equal(tf.sparse_to_dense([[0], [2]], [4], [1.0, INF], default), expected)


@pytest.mark.parametrize("places", [[[1], [1]], [[2], [1]]])
@pytest.mark.parametrize("values", [[1.0, 2.0], ["a", "b"]])
def test_places_of_a_sparse_tensor_are_in_order(places, values):
    default = "" if values[0] == "a" else 0
    with pytest.raises(tf.errors.InvalidArgumentError, match="repeated|out of order"):
        run(tf.sparse_to_dense(places, [4], values, default))
    dense = run(tf.sparse_to_dense(places, [4], [1.0, 2.0], validate_indices=False))
    assert dense.tolist() == ([0, 2, 0, 0] if places == [[1], [1]] else [0, 2, 1, 0])


def test_piecewise_constant():
    step = tf.placeholder(tf.int64, [])
    for values in ([1.0, 1e-8, 3e8], [1, 2, 2**24 + 1], [1.0, INF, NAN]):
        rate = tf.train.piecewise_constant(step, [10, 20], values)
        assert rate.dtype == (tf.int32 if isinstance(values[0], int) else tf.float32)
        for at, place in [(0, 0), (10, 0), (11, 1), (20, 1), (21, 2)]:
            equal(rate, np.asarray(values[place], rate.dtype.as_numpy_dtype), {step: at})
    with pytest.raises(ValueError, match="same dtype as x"):
        tf.train.piecewise_constant(step, [1.5], [1.0, 2.0])
    with pytest.raises(ValueError, match="all of the same dtype"):
        tf.train.piecewise_constant(step, [1], [1.0, 2])


@pytest.mark.parametrize("value", ODD)
def test_dropout(value):
    dropped = run(tf.nn.dropout(tf.fill([64], value), 0.5, seed=3))
    assert 0 < np.count_nonzero(dropped == 0) < 64
    np.testing.assert_array_equal(dropped[dropped != 0], value)


@pytest.mark.parametrize("value", [INF, 3e38])
def test_batch_normalization_that_does_not_train_leaves_the_batch_alone(value):
    training, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [None, 2])
    y = tf.layers.batch_normalization(x, training=training)
    slope = tf.gradients(y, x)[0]
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    batch = np.array([[1, 2], [value, 3], [value, 5]], np.float32)
    factor = np.float32(1 / np.sqrt(1.001))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        *_, out, rise = sess.run([updates, y, slope], {x: batch, training: False})
        np.testing.assert_allclose(out, batch * factor, rtol=1e-5)
        np.testing.assert_allclose(rise, np.full([3, 2], factor), rtol=1e-5)
        np.testing.assert_array_equal(sess.run(tf.global_variables()),
                                      [[1, 1], [0, 0], [0, 0], [1, 1]])
        sess.run(updates, {x: [[1, 2], [4, 5]], training: True})
        np.testing.assert_allclose(sess.run(tf.global_variables())[2:],
                                   [[0.025, 0.035], [1.0125, 1.0125]], rtol=1e-5)
