"""Convolutions with gaps and of volumes, rows that are combined, moments: the numbers are
TensorFlow's."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

RANDOM = np.random.RandomState(0)
IMAGES, FILTER = (RANDOM.randn(*shape).astype(np.float32) for shape in ((2, 9, 8, 3), (3, 3, 3, 4)))


def run(*wanted):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(list(wanted))


def by_hand(images, kernel, rates):
    """The valid convolution with gaps."""
    (height, width), (y, x) = images.shape[1:3], kernel.shape[:2]
    out = np.zeros((len(images), height - (y - 1) * rates[0], width - (x - 1) * rates[1],
                    kernel.shape[3]), np.float32)
    for i in range(y):
        for j in range(x):
            part = images[:, i * rates[0]:i * rates[0] + out.shape[1],
                          j * rates[1]:j * rates[1] + out.shape[2]]
            out += part @ kernel[i, j]
    return out


def test_filters_with_gaps():
    made = [tf.nn.atrous_conv2d(IMAGES, FILTER, 2, "VALID"),
            tf.nn.conv2d(IMAGES, FILTER, [1, 1, 1, 1], "VALID", dilations=[1, 2, 1, 1]),
            tf.nn.convolution(IMAGES, FILTER, "VALID", dilation_rate=[1, 3])]
    for found, rates in zip(run(*made), ([2, 2], [2, 1], [1, 3])):
        np.testing.assert_allclose(found, by_hand(IMAGES, FILTER, rates), atol=1e-4)
    same = tf.nn.atrous_conv2d(IMAGES, FILTER, 2, "SAME")
    assert same.shape.as_list() == [2, 9, 8, 4]
    layer = tf.layers.conv1d(IMAGES[0], 4, 3, dilation_rate=2)
    assert layer.shape.as_list() == [9, 4, 4]


def test_volumes():
    volumes = tf.constant(np.random.RandomState(1).randn(2, 5, 6, 6, 2).astype(np.float32))
    kernel = np.random.RandomState(2).randn(3, 1, 1, 2, 4).astype(np.float32)
    made = tf.nn.conv3d(volumes, kernel, [1, 1, 1, 1, 1], "SAME")
    largest = tf.nn.max_pool3d(volumes, [1, 2, 3, 3, 1], [1, 2, 3, 3, 1], "SAME")
    means = tf.nn.avg_pool3d(volumes, [1, 2, 3, 3, 1], [1, 2, 3, 3, 1], "SAME")
    layer = tf.layers.conv3d(volumes, 4, 3, 2, "same", activation=tf.nn.relu)
    pooled = tf.layers.max_pooling3d(layer, 2, 2)
    slope, = tf.gradients(made, volumes)
    given, found, most, mean, slopes = run(volumes, made, largest, means, slope)
    wide = np.pad(given, [(0, 0), (1, 1), (0, 0), (0, 0), (0, 0)])
    np.testing.assert_allclose(found, sum(wide[:, i:i + 5] @ kernel[i, 0, 0] for i in range(3)),
                               atol=1e-4)
    np.testing.assert_allclose(most[:, 2], given[:, 4:].reshape(2, 1, 2, 3, 2, 3, 2).max((1, 3, 5)),
                               rtol=1e-6)
    np.testing.assert_allclose(mean[:, 2], given[:, 4:].reshape(2, 1, 2, 3, 2, 3, 2).mean((1, 3, 5)),
                               atol=1e-6)
    np.testing.assert_allclose(slopes[0, 2, 0, 0], kernel.sum((0, 1, 2, 4)), rtol=1e-5)
    assert layer.shape.as_list() == [2, 3, 3, 3, 4] and pooled.shape.as_list() == [2, 1, 1, 1, 4]


def test_pools_of_any_number_of_dimensions():
    flat, steps = run(tf.nn.pool(IMAGES, [3, 2], "MAX", "VALID", strides=[3, 2]),
                      tf.nn.pool(IMAGES[:, 0], [2], "AVG", "VALID"))
    np.testing.assert_array_equal(flat, IMAGES.reshape(2, 3, 3, 4, 2, 3).max((2, 4)))
    np.testing.assert_allclose(steps, (IMAGES[:, 0, 1:] + IMAGES[:, 0, :-1]) / 2, rtol=1e-6)


def test_rows_that_sparse_ids_name():
    table = np.arange(18, dtype=np.float32).reshape(6, 3)
    ids = tf.SparseTensor([[0, 0], [0, 1], [2, 0], [3, 3]], tf.constant([1, 3, 0, 5], tf.int64),
                          [5, 4])
    weights = tf.SparseTensor(ids.indices, tf.constant([1.0, 2, 3, 0.5]), ids.dense_shape)
    lookup = tf.nn.embedding_lookup_sparse
    mean, total, root, safe, default = run(
        lookup(table, ids, None), lookup(table, ids, weights, combiner="sum"),
        lookup(table, ids, weights, combiner="sqrtn"),
        tf.nn.safe_embedding_lookup_sparse([table], ids),
        tf.nn.safe_embedding_lookup_sparse([table], ids, default_id=2))
    np.testing.assert_allclose(mean, [table[[1, 3]].mean(0), [0] * 3, table[0], table[5]])
    np.testing.assert_allclose(total, [table[1] + 2 * table[3], [0] * 3, [0] * 3 + 3 * table[0],
                                       table[5] / 2])
    np.testing.assert_allclose(root[0], (table[1] + 2 * table[3]) / np.sqrt(5), rtol=1e-6)
    np.testing.assert_allclose(safe, [*mean, [0] * 3])
    np.testing.assert_allclose(default[[1, 4]], [table[2]] * 2)
    with pytest.raises(ValueError, match="combiner"):
        lookup(table, ids, None, combiner="max")


def test_moments_in_parts():
    x = IMAGES[..., 0]
    weights = np.abs(FILTER[0, 0, 0, :1]) + np.abs(x[:, :, :1])
    statistics = tf.nn.sufficient_statistics(x, [0, 1], shift=1.0)
    wanted = [tf.nn.normalize_moments(*statistics), tf.nn.weighted_moments(x, [0, 1], weights)]
    (mean, variance), (weighted, spread) = run(*wanted)
    np.testing.assert_allclose(mean, x.mean((0, 1)), atol=1e-5)
    np.testing.assert_allclose(variance, x.var((0, 1)), rtol=1e-4)
    expected = (weights * x).sum((0, 1)) / weights.sum()
    np.testing.assert_allclose(weighted, expected, atol=1e-5)
    np.testing.assert_allclose(spread, (weights * (x - expected)**2).sum((0, 1)) / weights.sum(),
                               rtol=1e-4)
    made, own, sample = run(*tf.nn.fused_batch_norm(IMAGES, [1.0] * 3, [0.0] * 3))
    np.testing.assert_allclose(made.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(sample, IMAGES.var((0, 1, 2), ddof=1), rtol=1e-4)
    np.testing.assert_allclose(own, IMAGES.mean((0, 1, 2)), atol=1e-5)


def test_a_loop_whose_inputs_a_function_gives():
    steps = np.random.RandomState(3).randn(4, 3, 2).astype(np.float32)
    lengths = np.array([4, 2, 3])
    cell = tf.nn.rnn_cell.LSTMCell(5)
    rows = tf.TensorArray(tf.float32, 4).unstack(steps)

    def loop(time, output, state, loop_state):
        new = cell.zero_state(3, tf.float32) if output is None else state
        finished = time >= lengths
        following = tf.cond(tf.reduce_all(finished), lambda: tf.zeros([3, 2]),
                            lambda: rows.read(time))
        return finished, following, new, output, None

    made, state, _ = tf.nn.raw_rnn(cell, loop)
    with tf.variable_scope("rnn", reuse=True):
        expected, last = tf.nn.dynamic_rnn(cell, steps, lengths, dtype=tf.float32, time_major=True,
                                           scope=tf.get_variable_scope())
    one, other, mine, theirs = run(made.stack(), expected, state.h, last.h)
    np.testing.assert_allclose(one, other, rtol=1e-5)
    np.testing.assert_allclose(mine, theirs, rtol=1e-5)
