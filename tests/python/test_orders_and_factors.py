"""Factors of matrices, orders of elements, windows over volumes, and bits: ops of the graph like
others, with gradients, in loops, of sizes that a run alone knows."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

RANDOM = np.random.RandomState(3)
MATRIX = RANDOM.randn(4, 3).astype(np.float32)
SYMMETRIC = (MATRIX.T @ MATRIX).astype(np.float32)


def run(fetches, feed=None):
    with tf.Session() as sess:
        return sess.run(fetches, feed)


def slope_of(make, value):
    x = tf.constant(value)
    return run(tf.gradients(make(x), x)[0])


def test_factors_have_gradients():
    # The sum of squares is the same before and after.
    for make in (lambda x: tf.svd(x)[0], lambda x: tf.svd(x, compute_uv=False),
                 lambda x: tf.qr(x).r):
        found = slope_of(lambda x, make=make: tf.reduce_sum(tf.square(make(x))), MATRIX)
        np.testing.assert_allclose(found, 2 * MATRIX, atol=1e-4)
    # The sum of the eigenvalues is that of the diagonal.
    for make in (tf.self_adjoint_eigvals, lambda x: tf.self_adjoint_eig(x)[0],
                 tf.linalg.eigvalsh):
        found = slope_of(lambda x, make=make: tf.reduce_sum(make(x)), SYMMETRIC)
        np.testing.assert_allclose(found, np.eye(3), atol=1e-4)


def test_factors_give_the_matrix_again():
    s, u, v = tf.svd(MATRIX)
    whole = tf.svd(MATRIX, full_matrices=True)
    q, r = tf.qr(MATRIX)
    e, vectors = tf.self_adjoint_eig(SYMMETRIC)
    again = run([tf.matmul(u * s, v, transpose_b=True), tf.matmul(q, r)])
    for found in again:
        np.testing.assert_allclose(found, MATRIX, atol=1e-4)
    np.testing.assert_allclose(run(tf.matmul(vectors * e, vectors, transpose_b=True)), SYMMETRIC,
                               atol=1e-3)
    assert [x.shape.as_list() for x in whole] == [[3], [4, 4], [3, 3]]
    assert [x.op.name for x in (s, q, e)] == ["Svd", "Qr", "SelfAdjointEigV2"]
    # Integers have none, which is an error before a run.
    with pytest.raises((TypeError, ValueError)):
        tf.svd([[1, 2]])


def test_norms_of_matrices():
    matrices = RANDOM.randn(2, 4, 3)
    found = run([tf.norm(matrices, 2, [1, 2]), tf.norm(matrices, 2, [0, 2], keepdims=True)])
    np.testing.assert_allclose(found[0], np.linalg.norm(matrices, 2, (1, 2)))
    np.testing.assert_allclose(found[1], np.linalg.norm(matrices, 2, (0, 2), keepdims=True))


def test_bands_are_as_wide_as_the_matrix():
    x = tf.placeholder(tf.float32, [None, 2])
    assert run(tf.matrix_band_part(x, 2, 0), {x: [[1, 2], [3, 4]]}).tolist() == [[1, 0], [3, 4]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="num_lower"):
        run(tf.matrix_band_part(x, 3, 0), {x: [[1, 2], [3, 4]]})


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("direction", ["ASCENDING", "DESCENDING"])
def test_orders(axis, direction):
    value = np.array([[3, 1, 2, 1], [-(2**31), 2**31 - 1, 0, 5]], np.int32)
    x = tf.placeholder(tf.int32, [None, None])
    places, found = run([tf.argsort(x, axis, direction), tf.sort(x, axis, direction)], {x: value})
    expected = np.sort(value, axis)
    np.testing.assert_array_equal(
        found, expected if direction == "ASCENDING" else np.flip(expected, axis))
    np.testing.assert_array_equal(np.take_along_axis(value, places, axis), found)
    with pytest.raises(ValueError, match="Direction"):
        tf.sort(x, axis, "UP")


def test_a_sorted_tensor_has_a_gradient():
    weights = np.array([1, 10, 100], np.float32)
    found = slope_of(lambda x: tf.reduce_sum(tf.sort(x) * weights),
                     np.array([3, 1, 2], np.float32))
    assert found.tolist() == [100, 1, 10]


def test_orders_in_a_loop():
    def turn(i, x):
        return i + 1, tf.gather(x, tf.argsort(x)) * tf.constant([1.0, -1.0, 2.0])

    assert run(tf.while_loop(lambda i, _: i < 2, turn, [0, tf.constant([3.0, 1.0, 2.0])])[1]
               ).tolist() == [-2.0, -1.0, 12.0]


def test_places_in_rows():
    rows, values = [[1, 3, 3, 5], [2, 4, 6, 8]], [[3, 0], [9, 4]]
    assert run(tf.searchsorted(rows, values)).tolist() == [[1, 0], [4, 1]]
    right = tf.searchsorted(rows, values, "right", tf.int64)
    assert (run(right).tolist(), right.dtype) == ([[3, 0], [4, 2]], tf.int64)
    with pytest.raises(ValueError, match="side"):
        tf.searchsorted(rows, values, "middle")


def test_differences():
    x = tf.placeholder(tf.int32, [None])
    both = tf.setdiff1d(x, [1, 3, 5], tf.int64)
    out, places = run(both, {x: [1, 2, 3, 4, 2]})
    assert (out.tolist(), places.tolist(), places.dtype) == ([2, 4, 2], [1, 3, 4], np.int64)


def test_volumes_of_any_size():
    x = tf.placeholder(tf.float32, [None, None, None, None, 2])
    kernel = tf.ones([2, 2, 2, 2, 3])
    made = tf.nn.conv3d(x, kernel, [1, 1, 1, 1, 1], "VALID")
    back = tf.nn.conv3d_transpose(made, kernel, tf.shape(x), [1, 1, 1, 1, 1], "VALID")
    pools = [tf.nn.max_pool3d(x, [1, 2, 2, 2, 1], [1, 1, 1, 1, 1], "VALID"),
             tf.nn.avg_pool3d(x, [1, 2, 2, 2, 1], [1, 1, 1, 1, 1], "VALID")]
    slope = tf.gradients(made, x)[0]
    value = np.ones([1, 3, 3, 3, 2], np.float32)
    found = run([made, back, slope, *pools], {x: value})
    assert found[0].tolist() == np.full([1, 2, 2, 2, 3], 16.0).tolist()
    # Of eight windows each is counted 3 times for its channels.
    assert found[2][0, 1, 1, 1].tolist() == [24, 24] and found[2][0, 0, 0, 0].tolist() == [3, 3]
    assert found[1][0, 1, 1, 1].tolist() == [384, 384]
    assert all(pool.tolist() == np.ones([1, 2, 2, 2, 2]).tolist() for pool in found[3:])


def test_bits():
    x = tf.constant([12, 10])
    assert np.array_equal(run([x & 6, x | 1, x ^ 6, ~x, 7 & x]),
                          [[4, 2], [13, 11], [10, 12], [-13, -11], [4, 2]])
    assert np.array_equal(run([tf.bitwise.left_shift(x, 1), tf.bitwise.right_shift([-8, 8], 1)]),
                          [[24, 20], [-4, 4]])
    both = tf.constant([True, False])
    found = run([both & True, both | True, both ^ True, ~both])
    assert np.array_equal(found, [[True, False], [True, True], [False, True], [False, True]])
    assert [(x & 6).op.name, (~x).op.type] == ["and_3/BitwiseAnd", "Invert"]
    with pytest.raises((TypeError, ValueError), match="float32"):
        tf.bitwise.invert([1.0])


def test_the_largest_and_where_they_are():
    image = np.arange(24, dtype=np.float32).reshape(2, 3, 4, 1)[:, :, ::-1]
    x = tf.constant(image)
    window = [1, 2, 2, 1], [1, 2, 2, 1], "SAME"
    output, argmax = tf.nn.max_pool_with_argmax(x, *window)
    in_batch = tf.nn.max_pool_with_argmax(x, *window, include_batch_in_index=True,
                                          output_dtype=tf.int32)
    largest, places, all_places, slope, usual = run(
        [output, argmax, in_batch.argmax, tf.gradients(output, x)[0],
         tf.gradients(tf.nn.max_pool(x, *window), x)[0]])
    assert (places.dtype, all_places.dtype) == (np.int64, np.int32)
    np.testing.assert_array_equal(image.ravel()[all_places], largest)
    np.testing.assert_array_equal(places, all_places % 12)
    np.testing.assert_array_equal(slope, usual)


@pytest.mark.parametrize("each", [1, 2])
def test_channels_by_themselves_are_one_op(each):
    images = RANDOM.randn(2, 6, 5, 3).astype(np.float32)
    filters = RANDOM.randn(3, 2, 3, each).astype(np.float32)
    x, kernel = tf.constant(images), tf.constant(filters)
    for stride, padding in ((1, "SAME"), (2, "VALID")):
        strides = [1, stride, stride, 1]
        made = tf.nn.depthwise_conv2d(x, kernel, strides, padding)
        apart = tf.concat([tf.nn.conv2d(x[..., i:i + 1], kernel[:, :, i:i + 1], strides, padding)
                           for i in range(3)], 3)
        pairs = [(made, apart)] + list(zip(
            *(tf.gradients(tf.square(y), [x, kernel]) for y in (made, apart))))
        for found, expected in run(pairs):
            np.testing.assert_allclose(found, expected, atol=1e-3)
        assert made.op.type == "DepthwiseConv2dNative"
    slope = tf.gradients(tf.square(tf.nn.depthwise_conv2d(x, kernel, [1] * 4, "SAME")), kernel)[0]
    assert run(tf.gradients(slope, x))[0].shape == images.shape
