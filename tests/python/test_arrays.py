"""Ops of shapes, of elements' places, and functions, beside NumPy's answers."""

import math

import numpy as np
import pytest

import varscope.compat.v1 as tf

A = np.array([[1.5, -2.0, 3.0], [4.0, 5.0, -6.0]], np.float32)
C = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def run(x, feed=None):
    with tf.Session() as sess:
        return sess.run(x, feed)


def of_any_shape(array):
    """A placeholder that says nothing of its shape but the rank."""
    return tf.placeholder(array.dtype, [None] * array.ndim)


FUNCTIONS = [
    (tf.tan, np.tan, [0.3, -1.0]), (tf.asin, np.arcsin, [0.3, -0.7]),
    (tf.acos, np.arccos, [0.3, -0.7]), (tf.atan, np.arctan, [0.3, -4.0]),
    (tf.sinh, np.sinh, [0.3, -1.0]), (tf.cosh, np.cosh, [0.3, -1.0]),
    (tf.asinh, np.arcsinh, [0.3, -1.0]), (tf.acosh, np.arccosh, [1.3, 2.0]),
    (tf.atanh, np.arctanh, [0.3, -0.7]), (tf.expm1, np.expm1, [0.3, -1.0]),
    (tf.ceil, np.ceil, [0.3, -1.5]), (tf.round, np.round, [0.5, 1.5, -2.4]),
    (tf.erf, np.vectorize(math.erf), [0.3, -1.0]),
    (tf.erfc, np.vectorize(math.erfc), [0.3, -1.0]),
    (tf.lgamma, np.vectorize(math.lgamma), [0.3, 4.5]),
    (tf.nn.softsign, lambda x: x / (1 + abs(x)), [0.3, -1.0]),
    (tf.nn.log_sigmoid, lambda x: -np.log1p(np.exp(-x)), [0.3, -1.0]),
    (tf.nn.swish, lambda x: x / (1 + np.exp(-x)), [0.3, -1.0]),
    (tf.is_nan, np.isnan, [np.nan, np.inf, 1]), (tf.is_inf, np.isinf, [np.nan, np.inf, 1]),
    (tf.is_finite, np.isfinite, [np.nan, np.inf, 1]),
]


@pytest.mark.parametrize("function, expected, values", FUNCTIONS)
def test_functions(function, expected, values):
    values = np.array(values, np.float32)
    np.testing.assert_allclose(run(function(values)), expected(values), rtol=2e-5, atol=1e-6)


def test_digamma_of_one_is_eulers_constant():
    assert run(tf.digamma(1.0)) == pytest.approx(-0.5772156649, rel=1e-5)


def test_functions_of_two():
    x, y = np.array([7, -7, 7, -7], np.int32), np.array([3, 3, -3, -3], np.int32)
    np.testing.assert_array_equal(run(tf.constant(x) % y), x % y)
    np.testing.assert_array_equal(run(tf.truncatediv(x, y)), [2, -2, -2, 2])
    a, b = np.float32([1, -1]), np.float32([2, -0.5])
    np.testing.assert_allclose(run(tf.atan2(a, b)), np.arctan2(a, b), rtol=1e-6)


def test_truths():
    x, y = np.array([True, True, False, False]), np.array([True, False, True, False])
    a = tf.constant(x)
    np.testing.assert_array_equal(run([a & y, a | y, a ^ y, ~a]), [x & y, x | y, x ^ y, ~x])
    np.testing.assert_array_equal(run(tf.logical_and(x, y)), x & y)
    grid = np.array([[True, False], [True, True]])
    np.testing.assert_array_equal(run(tf.reduce_all(grid, 1)), grid.all(1))
    np.testing.assert_array_equal(run(tf.reduce_any(grid, axis=0)), grid.any(0))
    assert run(tf.reduce_all(grid)) == False  # noqa: E712


def test_shapes_that_a_run_knows():
    x = of_any_shape(C)
    rows = tf.shape(x)[0]
    assert tf.shape(x).dtype == tf.int32 and tf.shape(x, out_type=tf.int64).dtype == tf.int64
    values = run([tf.shape(x), tf.size(x), tf.rank(x), tf.reshape(x, [rows, -1]),
                  tf.reshape(x, tf.stack([12, rows])), tf.tile(x, [1, rows, 1]),
                  tf.zeros(tf.shape(x)), tf.ones([rows, 1], tf.int32),
                  tf.broadcast_to(x[:, :1], tf.shape(x))], {x: C})
    expected = [C.shape, C.size, 3, C.reshape(2, -1), C.reshape(12, 2), np.tile(C, [1, 2, 1]),
                np.zeros_like(C), np.ones([2, 1]), np.broadcast_to(C[:, :1], C.shape)]
    for value, wanted in zip(values, expected, strict=True):
        np.testing.assert_array_equal(value, wanted)
    assert tf.reshape(tf.zeros([6]), tf.constant([2, 3])).shape == [2, 3]
    with pytest.raises(TypeError, match="no whole number"):
        tf.reshape(x, [rows, 1.5])
    with pytest.raises(ValueError, match="tf.shape"):
        tf.zeros([x.shape[0], 2])


@pytest.mark.parametrize("arguments", [(5,), (2, 7), (2, 9, 3), (5, 0, -2), (0.0, 1.0, 0.25)])
def test_range(arguments):
    values = run(tf.range(*arguments))
    np.testing.assert_allclose(values, np.arange(*arguments))
    assert values.dtype == (np.float32 if isinstance(arguments[0], float) else np.int32)
    assert run(tf.range(3, dtype=tf.float32)).dtype == np.float32
    count = tf.placeholder(tf.int32, [])
    np.testing.assert_array_equal(run(tf.range(1, count), {count: 4}), [1, 2, 3])


def test_indexing_by_tensors():
    x, i = of_any_shape(C), tf.placeholder(tf.int32, [])
    fetches = [x[i], x[:, i], x[0, i:], x[..., :i], x[:, ::-1], x[:, -1, ::2], x[:, i, None], x[-1],
               x[i:, tf.newaxis, ..., -2]]
    values = run(fetches, {x: C, i: 1})
    expected = [C[1], C[:, 1], C[0, 1:], C[..., :1], C[:, ::-1], C[:, -1, ::2], C[:, 1, None],
                C[-1], C[1:, None, ..., -2]]
    for value, wanted in zip(values, expected, strict=True):
        np.testing.assert_array_equal(value, wanted)
    np.testing.assert_array_equal(run(tf.constant(A)[A > 0]), A[A > 0])
    with pytest.raises(TypeError, match="valid indices"):
        tf.constant(A)[1.5]


def test_slices_by_tensors():
    x, i = of_any_shape(C), tf.placeholder(tf.int32, [])
    values = run([tf.slice(x, [0, i, 0], [-1, 2, i]), tf.slice(x, [i, 0, 0], [-1, -1, 2]),
                  tf.slice(x, tf.stack([0, i, 1]), tf.stack([i, -1, 2])),
                  tf.strided_slice(x, [0, 0, i], [2, 3, 4], [1, 2, 1])], {x: C, i: 1})
    expected = [C[:, 1:3, :1], C[1:, :, :2], C[:1, 1:, 1:3], C[:, ::2, 1:]]
    for value, wanted in zip(values, expected, strict=True):
        np.testing.assert_array_equal(value, wanted)


def test_the_gradient_of_a_mask_is_whole():
    """Rows that were masked in go on by their momentum where they are masked out. Numbers of
    TensorFlow 2.21."""
    w = tf.get_variable("w", initializer=np.arange(8, dtype=np.float32).reshape(4, 2))
    mask = tf.placeholder(tf.bool, [None])
    loss = tf.reduce_sum(tf.square(tf.boolean_mask(w, mask)))
    train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for rows in ([1, 0, 1, 0], [0, 1, 0, 0], [1, 1, 0, 0]):
            sess.run(train, {mask: np.array(rows, bool)})
        np.testing.assert_allclose(
            sess.run(w), [[0, .334], [.92, 1.38], [1.832, 2.29], [6, 7]], atol=1e-6)
    with pytest.raises(ValueError, match=r"Shapes \(3,\) and \(2,\) are incompatible"):
        tf.boolean_mask(tf.zeros([3, 2]), tf.constant([True, False]))


def test_gradients_flow_through_slices_and_places():
    x = tf.constant(A)
    y = tf.reduce_sum(x[:, ::2] * 2) + tf.reduce_sum(tf.gather_nd(x, [[0, 1], [0, 1]]))
    np.testing.assert_array_equal(run(tf.gradients(y, x)[0]), [[2, 2, 2], [2, 0, 2]])
    masked = tf.reduce_sum(tf.boolean_mask(x, A > 0))
    np.testing.assert_array_equal(run(tf.gradients(masked, x)[0]), A > 0)


def test_places_of_elements():
    np.testing.assert_array_equal(run(tf.where(A > 0)), np.argwhere(A > 0))
    np.testing.assert_array_equal(run(tf.where(A > 0, A, -A)), abs(A))
    with pytest.raises(ValueError, match="both be non-None"):
        tf.where(A > 0, A)
    np.testing.assert_array_equal(run(tf.boolean_mask(A, [False, True])), A[1:])
    np.testing.assert_array_equal(run(tf.boolean_mask(C, C[..., 0] > 3)), C[C[..., 0] > 3])
    np.testing.assert_array_equal(run(tf.gather(C, [2, 0], axis=1)), np.take(C, [2, 0], 1))
    np.testing.assert_array_equal(run(tf.gather(C, [[3], [0]], axis=-1)), np.take(C, [[3], [0]], -1))
    np.testing.assert_array_equal(run(tf.gather_nd(C, [[1, 2], [0, 0]])), C[[1, 0], [2, 0]])
    np.testing.assert_array_equal(run(tf.scatter_nd([[1], [3], [1]], [1.0, 2.0, 3.0], [5])),
                                  [0, 4, 0, 2, 0])


def test_distinct_elements():
    both = tf.unique(tf.constant([4, 1, 4, 2, 1]))
    np.testing.assert_array_equal(run(both.y), [4, 1, 2])
    np.testing.assert_array_equal(run(both.idx), [0, 1, 0, 2, 1])
    y, idx, count = run(tf.unique_with_counts(tf.constant([4, 1, 4, 2, 1])))
    assert (y.tolist(), idx.tolist(), count.tolist()) == ([4, 1, 2], [0, 1, 0, 2, 1], [2, 2, 1])


def test_the_largest():
    values, indices = run(tf.nn.top_k(A, 2))
    np.testing.assert_array_equal(values, [[3.0, 1.5], [5.0, 4.0]])
    np.testing.assert_array_equal(indices, [[2, 0], [1, 0]])
    np.testing.assert_array_equal(run(tf.nn.in_top_k(A, [0, 2], 2)), [True, False])


def test_how_many_of_the_largest_a_tensor_says():
    k = tf.placeholder_with_default(2, [])
    values, indices = run(tf.nn.top_k([[1.0, 3.0, 2.0], [5.0, 4.0, 6.0]], k))
    assert values.tolist() == [[3, 2], [6, 5]] and indices.tolist() == [[1, 2], [2, 0]]
    x = [[1.0, 3.0, 2.0], [5.0, 4.0, np.nan], [1.0, 2.0, 3.0]]
    assert run(tf.nn.in_top_k(x, [2, 0, 0], k)).tolist() == [True, False, False]


def test_orders():
    np.testing.assert_array_equal(run(tf.reverse(C, [0, 2])), C[::-1, :, ::-1])
    expected = C.copy()
    expected[0, :2] = C[0, 1::-1]
    expected[1] = C[1, ::-1]
    np.testing.assert_array_equal(run(tf.reverse_sequence(C, [2, 3], seq_axis=1)), expected)
    np.testing.assert_array_equal(
        run(tf.reverse_sequence(C, [2, 3], seq_dim=1, batch_dim=0)), expected)
    np.testing.assert_array_equal(run(tf.invert_permutation([2, 0, 1])), [1, 2, 0])


def test_running_sums():
    np.testing.assert_allclose(run(tf.cumsum(A, axis=1)), A.cumsum(1))
    np.testing.assert_allclose(run(tf.cumprod(A, 1, exclusive=True)),
                               [[1, 1.5, -3], [1, 4, 20]])
    np.testing.assert_allclose(run(tf.cumsum(A, 1, reverse=True)), A[:, ::-1].cumsum(1)[:, ::-1])
    np.testing.assert_array_equal(run(tf.unsorted_segment_sum(A, [1, 1], 3)),
                                  [np.zeros(3), A.sum(0), np.zeros(3)])
    np.testing.assert_array_equal(run(tf.segment_sum(A, [0, 0])), [A.sum(0)])


def test_one_hot():
    np.testing.assert_array_equal(run(tf.one_hot([0, 2], 3)), np.eye(3)[[0, 2]])
    np.testing.assert_array_equal(run(tf.one_hot([0, 2], 3, on_value=5, off_value=-1)),
                                  np.eye(3)[[0, 2]] * 6 - 1)
    np.testing.assert_array_equal(run(tf.one_hot([0, 2], 3, axis=0)), np.eye(3)[[0, 2]].T)
    depth = tf.placeholder(tf.int32, [])
    np.testing.assert_array_equal(run(tf.one_hot([0, 2], depth), {depth: 4}), np.eye(4)[[0, 2]])


@pytest.mark.parametrize("mode", ["constant", "reflect", "symmetric"])
def test_pad(mode):
    sides = [(1, 0), (1, 2)]
    expected = np.pad(A, sides, mode)
    np.testing.assert_array_equal(run(tf.pad(A, sides, mode.upper())), expected)
    if mode == "constant":
        np.testing.assert_array_equal(run(tf.pad(A, sides, constant_values=7)),
                                      np.pad(A, sides, mode, constant_values=7))


def test_grids_and_masks():
    for indexing in ("xy", "ij"):
        for own, wanted in zip(run(tf.meshgrid([1, 2, 3], [4, 5], indexing=indexing)),
                               np.meshgrid([1, 2, 3], [4, 5], indexing=indexing), strict=True):
            np.testing.assert_array_equal(own, wanted)
    np.testing.assert_array_equal(run(tf.sequence_mask([1, 3])),
                                  [[True, False, False], [True, True, True]])
    np.testing.assert_array_equal(run(tf.sequence_mask([1], 2, tf.float32)), [[1.0, 0.0]])
    parts = run(tf.dynamic_partition(A, [1, 0], 2))
    np.testing.assert_array_equal(parts, [A[1:], A[:1]])


def test_matrices():
    np.testing.assert_array_equal(run(tf.eye(2, 3)), np.eye(2, 3))
    n = tf.placeholder(tf.int32, [])
    np.testing.assert_array_equal(run(tf.eye(n), {n: 3}), np.eye(3))
    np.testing.assert_array_equal(run(tf.eye(2, batch_shape=[3])), np.stack([np.eye(2)] * 3))
    x = tf.placeholder(tf.float32, [None])
    np.testing.assert_array_equal(run(tf.diag(x), {x: [1, 2]}), np.diag([1, 2]))
    square = np.arange(9, dtype=np.float32).reshape(3, 3)
    np.testing.assert_array_equal(run(tf.matrix_diag_part(square)), square.diagonal())
    assert run(tf.trace(square)) == 12
    np.testing.assert_array_equal(run(tf.matrix_band_part(square, -1, 0)), np.tril(square))
    np.testing.assert_array_equal(run(tf.matrix_band_part(square, 0, 1)),
                                  np.triu(np.tril(square, 1)))
    np.testing.assert_allclose(run(tf.norm(A, axis=1)), np.linalg.norm(A, axis=1), rtol=1e-6)
    assert run(tf.norm(A, 1)) == abs(A).sum() and run(tf.norm(A, np.inf)) == 6


def test_all_or_none():
    first, second = tf.tuple([tf.constant(1), tf.constant(2)])
    assert run([first, second]) == [1, 2]
    assert run(tf.accumulate_n([tf.constant(1.0), tf.constant(2.0)])) == 3


def test_parts_of_a_dimension_that_a_run_knows():
    x = tf.placeholder(tf.float32, [None, None])
    halves, sized = tf.split(x, 2, axis=1), tf.split(x, [1, 3], axis=1)
    slope, = tf.gradients(tf.reduce_sum(halves[1] * 3) + tf.reduce_sum(sized[0]), x)
    assert halves[0].shape.as_list() == [None, None]
    with tf.Session() as session:
        data = np.arange(8.0).reshape(2, 4)
        a, b, c, d, g = session.run([*halves, *sized, slope], {x: data})
        np.testing.assert_array_equal(np.hstack([a, b]), data)
        np.testing.assert_array_equal(np.hstack([c, d]), data)
        assert a.shape == (2, 2) and c.shape == (2, 1)
        assert g.tolist() == [[1, 0, 3, 3]] * 2
        for wrong in halves[0], sized[0]:
            with pytest.raises(tf.errors.InvalidArgumentError):
                session.run(wrong, {x: np.zeros((2, 3))})


def test_what_is_an_array_is_taken_as_one_whatever_else_it_has():
    class LikePyTorch:
        def __array__(self, dtype=None, copy=None):
            return np.array([1, 2], np.float32)

        def to_dense(self):
            return self

    v = tf.get_variable("like_pytorch", initializer=LikePyTorch())
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(session.run(v + LikePyTorch()), [2, 4])
