"""tf.layers, tf.contrib.layers, tf.losses, tf.metrics: names, and values by NumPy."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

X = np.random.RandomState(1).randn(6, 4).astype(np.float32)


def run(fetches, feeds=None, local=False):
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        if local:
            sess.run(tf.local_variables_initializer())
        return sess.run(fetches, feeds)


def names():
    return [v.name for v in tf.global_variables()]


def test_dense_layers_are_numbered_and_shared_by_scope():
    def net():
        hidden = tf.layers.dense(tf.constant(X), 3, tf.nn.relu)
        return tf.layers.dense(hidden, 1, name="out")

    with tf.variable_scope("G"):
        first = net()
    with tf.variable_scope("G", reuse=True):
        second = net()
    assert names() == ["G/dense/kernel:0", "G/dense/bias:0", "G/out/kernel:0", "G/out/bias:0"]
    tf.layers.dense(tf.constant(X), 3)
    tf.layers.dense(tf.constant(X), 3)
    assert names()[4:] == ["dense/kernel:0", "dense/bias:0", "dense_1/kernel:0", "dense_1/bias:0"]
    a, b = run([first, second])
    np.testing.assert_array_equal(a, b)


def test_dense():
    y = tf.layers.dense(tf.constant(X), 3, tf.nn.tanh,
                        bias_initializer=tf.constant_initializer(0.5))
    got, kernel, bias = run([y, *tf.global_variables()])
    np.testing.assert_allclose(got, np.tanh(X @ kernel + bias), rtol=1e-5)


def test_dense_over_the_last_of_three_dimensions():
    x = tf.placeholder(tf.float32, [None, 2, 4])
    y = tf.layers.dense(x, 3, use_bias=False)
    assert y.shape.as_list() == [None, 2, 3]
    value = X[:4].reshape(2, 2, 4)
    got, kernel = run([y, *tf.global_variables()], {x: value})
    np.testing.assert_allclose(got, value @ kernel, rtol=1e-5)


def test_a_dense_layer_as_an_object_is_one_layer():
    layer = tf.layers.Dense(2)
    a, b = layer(tf.constant(X)), layer(tf.constant(X))
    assert names() == ["dense/kernel:0", "dense/bias:0"]
    first, second = run([a, b])
    np.testing.assert_array_equal(first, second)


def test_regularizers_and_trainable():
    tf.layers.dense(tf.constant(X), 2, kernel_regularizer=tf.contrib.layers.l2_regularizer(0.5),
                    trainable=False)
    loss, kernel = run([tf.losses.get_regularization_loss(), tf.global_variables()[0]])
    assert loss == pytest.approx(0.25 * (kernel**2).sum(), rel=1e-5)
    assert tf.trainable_variables() == []


def test_convolution_pooling_and_flattening():
    images = np.random.RandomState(2).rand(2, 6, 6, 1).astype(np.float32)
    x = tf.constant(images)
    conv = tf.layers.conv2d(x, 3, 3, padding="same", activation=tf.nn.relu)
    pooled = tf.layers.max_pooling2d(conv, 2, 2)
    mean = tf.layers.average_pooling2d(conv, (2, 2), (2, 2))
    flat = tf.layers.flatten(pooled)
    assert names() == ["conv2d/kernel:0", "conv2d/bias:0"]
    full, top, middle, row = run([conv, pooled, mean, flat])
    blocks = full.reshape(2, 3, 2, 3, 2, 3)
    np.testing.assert_allclose(top, blocks.max((2, 4)), rtol=1e-5)
    np.testing.assert_allclose(middle, blocks.mean((2, 4)), rtol=1e-5)
    np.testing.assert_array_equal(row, top.reshape(2, -1))


@pytest.mark.parametrize("training", [True, False, "placeholder"])
def test_batch_normalization(training):
    on = tf.placeholder(tf.bool) if training == "placeholder" else training
    y = tf.layers.batch_normalization(tf.constant(X), training=on, momentum=0.9)
    assert names() == [f"batch_normalization/{part}:0" for part in (
        "gamma", "beta", "moving_mean", "moving_variance")]
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    feeds = {on: True} if training == "placeholder" else {}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        got, _ = sess.run([y, updates], feeds)
        mean, variance = sess.run(tf.global_variables()[2:])
    if training is False:
        assert updates == [] and not mean.any()
        np.testing.assert_allclose(got, X / np.sqrt(1.001), rtol=1e-5)
        return
    np.testing.assert_allclose(got, (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-3), rtol=2e-4,
                               atol=1e-5)
    np.testing.assert_allclose(mean, 0.1 * X.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(variance, 0.9 + 0.1 * X.var(0), rtol=1e-4)


def test_contrib_layers_have_names_of_their_own():
    hidden = tf.contrib.layers.fully_connected(tf.constant(X), 3)
    with tf.contrib.slim.arg_scope([tf.contrib.slim.fully_connected], activation_fn=None):
        tf.contrib.slim.fully_connected(hidden, 2, scope="out")
    assert names() == ["fully_connected/weights:0", "fully_connected/biases:0", "out/weights:0",
                       "out/biases:0"]
    assert (run(hidden) >= 0).all()


def test_contrib_batch_norm_moves_its_averages_in_place():
    y = tf.contrib.layers.batch_norm(tf.constant(X), decay=0.5, updates_collections=None,
                                     scope="bn")
    assert tf.get_collection(tf.GraphKeys.UPDATE_OPS) == []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(y)
        mean = sess.run([v for v in tf.global_variables() if "mean" in v.name][0])
    np.testing.assert_allclose(mean, 0.5 * X.mean(0), rtol=1e-4, atol=1e-6)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


LABELS = np.array([0, 1, 2, 3, 0, 1])
TRUTHS = (X > 0).astype(np.float32)
LOSSES = {
    "mean_squared_error": (lambda: tf.losses.mean_squared_error(TRUTHS, X),
                           lambda: ((X - TRUTHS)**2).mean()),
    "absolute_difference": (lambda: tf.losses.absolute_difference(TRUTHS, X),
                            lambda: abs(X - TRUTHS).mean()),
    "huber_loss": (lambda: tf.losses.huber_loss(TRUTHS, X, delta=0.5),
                   lambda: np.where(abs(X - TRUTHS) <= 0.5, 0.5 * (X - TRUTHS)**2,
                                    0.5 * abs(X - TRUTHS) - 0.125).mean()),
    "hinge_loss": (lambda: tf.losses.hinge_loss(TRUTHS, X),
                   lambda: np.maximum(0, 1 - (2 * TRUTHS - 1) * X).mean()),
    "log_loss": (lambda: tf.losses.log_loss(TRUTHS, softmax(X)),
                 lambda: -(TRUTHS * np.log(softmax(X) + 1e-7) +
                           (1 - TRUTHS) * np.log(1 - softmax(X) + 1e-7)).mean()),
    "sparse_softmax_cross_entropy": (
        lambda: tf.losses.sparse_softmax_cross_entropy(LABELS, tf.constant(X)),
        lambda: -np.log(softmax(X)[np.arange(6), LABELS]).mean()),
    "softmax_cross_entropy": (
        lambda: tf.losses.softmax_cross_entropy(np.eye(4)[LABELS], tf.constant(X)),
        lambda: -np.log(softmax(X)[np.arange(6), LABELS]).mean()),
    "sigmoid_cross_entropy": (
        lambda: tf.losses.sigmoid_cross_entropy(TRUTHS, tf.constant(X)),
        lambda: -(TRUTHS * np.log(1 / (1 + np.exp(-X))) +
                  (1 - TRUTHS) * np.log(1 - 1 / (1 + np.exp(-X)))).mean()),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    ours, expected = LOSSES[name]
    loss = ours()
    assert tf.get_collection(tf.GraphKeys.LOSSES) == [loss]
    assert run(loss) == pytest.approx(expected(), rel=1e-4)
    assert run(tf.losses.get_total_loss()) == pytest.approx(expected(), rel=1e-4)


def test_weights_of_zero_do_not_count():
    weights = np.array([1, 0, 2, 0, 0, 1], np.float32)[:, None]
    loss = tf.losses.mean_squared_error(TRUTHS, tf.constant(X), weights=weights)
    expected = ((X - TRUTHS)**2 * weights).sum() / (3 * 4)
    assert run(loss) == pytest.approx(expected, rel=1e-5)


def test_a_metric_counts_all_batches_until_it_is_reset():
    labels, predictions = tf.placeholder(tf.int64, [None]), tf.placeholder(tf.int64, [None])
    value, update = tf.metrics.accuracy(labels, predictions)
    assert [v.name for v in tf.local_variables()] == ["accuracy/total:0", "accuracy/count:0"]
    assert tf.global_variables() == []
    reset = tf.local_variables_initializer()
    with tf.Session() as sess:
        sess.run(reset)
        assert sess.run(value) == 0
        assert sess.run(update, {labels: [1, 2], predictions: [1, 1]}) == 0.5
        assert sess.run(update, {labels: [3, 4], predictions: [3, 4]}) == 0.75
        assert sess.run(value) == 0.75
        sess.run(reset)
        assert sess.run(value) == 0


def test_precision_and_recall():
    labels, predictions = tf.constant([1, 1, 0, 0]), tf.constant([1, 0, 1, 0])
    precision, recall = tf.metrics.precision(labels, predictions), tf.metrics.recall(
        labels, predictions)
    with tf.Session() as sess:
        sess.run(tf.local_variables_initializer())
        assert sess.run([precision[1], recall[1]]) == [0.5, 0.5]


def test_distributions():
    normal = tf.distributions.Normal(np.float32(1.0), np.float32(2.0))
    other = tf.distributions.Normal(np.float32(0.0), np.float32(1.0))
    density, entropy, divergence = run([
        normal.prob(2.0), normal.entropy(), tf.distributions.kl_divergence(normal, other)])
    assert density == pytest.approx(np.exp(-0.125) / (2 * np.sqrt(2 * np.pi)), rel=1e-5)
    assert entropy == pytest.approx(0.5 * np.log(2 * np.pi * np.e * 4), rel=1e-5)
    assert divergence == pytest.approx(np.log(0.5) + (4 + 1) / 2 - 0.5, rel=1e-5)
    drawn = run(tf.distributions.Normal(np.full(5000, 3.0, np.float32), 0.5).sample())
    assert abs(drawn.mean() - 3.0) < 0.05 and abs(drawn.std() - 0.5) < 0.05


def test_nce_loss_learns_which_classes_belong_together():
    classes, size = 12, 8
    inputs = tf.constant(np.eye(classes, size, dtype=np.float32)[np.arange(8)])
    weights, biases = tf.Variable(tf.zeros([classes, size])), tf.Variable(tf.zeros([classes]))
    labels = tf.constant(np.arange(8)[:, None])
    loss = tf.reduce_mean(tf.nn.nce_loss(weights, biases, labels, inputs, 4, classes))
    step = tf.train.GradientDescentOptimizer(1.0).minimize(loss)
    scores = tf.argmax(tf.matmul(inputs, weights, transpose_b=True), 1)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(150):
            sess.run(step)
        assert sess.run(scores).tolist() == list(range(8))


def test_a_diagonal_and_other_small_ones():
    numbers = tf.constant([1.0, 2.0, 0.0])
    matrix, count, line, product = run([
        tf.diag(numbers), tf.count_nonzero(numbers), tf.linspace(0.0, 1.0, 5),
        tf.tensordot(tf.constant(X), tf.constant(X), [[0], [0]])])
    assert matrix.tolist() == np.diag([1, 2, 0]).tolist() and count == 2
    np.testing.assert_allclose(line, np.linspace(0, 1, 5), rtol=1e-6)
    np.testing.assert_allclose(product, X.T @ X, rtol=1e-5, atol=1e-6)


def test_split_and_unstack():
    parts = tf.split(tf.constant(X), [1, 3], 1)
    rows = tf.unstack(tf.constant(X))
    with tf.Session() as sess:
        a, b = sess.run(parts)
        np.testing.assert_array_equal(np.concatenate([a, b], 1), X)
        np.testing.assert_array_equal(np.stack(sess.run(rows)), X)
    with pytest.raises(ValueError, match="evenly"):
        tf.split(tf.constant(X), 4)


def test_a_transposed_convolution_is_the_gradient_of_one():
    values = np.random.RandomState(4).randn(2, 3, 3, 2).astype(np.float32)
    window = tf.constant(np.random.RandomState(5).randn(4, 4, 1, 2).astype(np.float32))
    small = tf.placeholder(tf.float32, [None, 3, 3, 2])
    large = tf.nn.conv2d_transpose(small, window, [2, 6, 6, 1], [1, 2, 2, 1])
    assert large.shape.as_list() == [2, 6, 6, 1]
    images = tf.constant(np.random.RandomState(6).randn(2, 6, 6, 1).astype(np.float32))
    made = tf.nn.conv2d(images, window, [1, 2, 2, 1], "SAME")
    batch = tf.nn.conv2d_transpose(small, window, [tf.shape(small)[0], 6, 6, 1], [1, 2, 2, 1])
    np.testing.assert_array_equal(*run([large, batch], {small: values}))
    # <conv(x), y> == <x, transposed(y)>
    first, second = run([tf.reduce_sum(made * small), tf.reduce_sum(images * large)],
                        {small: values})
    assert first == pytest.approx(second, rel=1e-4)


def test_labels_of_whole_numbers_become_the_logits_dtype():
    logits = tf.constant([[1.0, 2.0], [3.0, 0.0]])
    expected = np.log(np.exp([[1, 2], [3, 0]]).sum(1)) - [2, 3]
    labels = tf.placeholder(tf.int32, [None, 2])
    for function in (tf.nn.softmax_cross_entropy_with_logits,
                     tf.nn.softmax_cross_entropy_with_logits_v2):
        for given in (labels, [[0, 1], [1, 0]], np.array([[0, 1], [1, 0]]),
                      np.array([[0, 1], [1, 0]], np.float64)):
            got = run(function(labels=given, logits=logits), {labels: [[0, 1], [1, 0]]})
            np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_a_dense_layer_over_several_unknown_dimensions():
    x = tf.placeholder(tf.float32, [None, None, 4])
    y = tf.layers.dense(x, 3, use_bias=False)
    z = tf.contrib.layers.fully_connected(x, 2, None)
    weights = tf.ones([4, 5])
    t = tf.tensordot(x, weights, [[2], [0]])
    assert [a.shape.as_list() for a in (y, z, t)] == [[None, None, n] for n in (3, 2, 5)]
    value = X.reshape(2, 3, 4)
    got, slope, kernel = run([y, tf.gradients(y, x)[0], tf.global_variables()[0]], {x: value})
    np.testing.assert_allclose(got, value @ kernel, rtol=1e-5)
    np.testing.assert_allclose(slope, np.broadcast_to(kernel.sum(1), value.shape), rtol=1e-5)
    np.testing.assert_allclose(run(t, {x: value}), value @ np.ones((4, 5)), rtol=1e-5)


COLUMN, LINE = np.array([[1.0], [2], [3]]), np.array([1.0, 2, 0])


@pytest.mark.parametrize("metric, labels, predictions, expected", [
    ("accuracy", COLUMN, LINE, 2 / 3), ("accuracy", LINE, COLUMN, 2 / 3),
    ("mean_squared_error", COLUMN, LINE, 3.0), ("mean_absolute_error", COLUMN, LINE, 1.0),
    ("precision", np.array([[1], [0], [1]]), [1, 1, 0], 0.5),
    ("recall", np.array([[1], [0], [1]]), [1, 1, 0], 0.5)])
def test_metrics_leave_out_a_last_dimension_of_1(metric, labels, predictions, expected):
    value, update = getattr(tf.metrics, metric)(labels, predictions)
    with tf.Session() as sess:
        sess.run(tf.local_variables_initializer())
        assert sess.run(update) == pytest.approx(expected)
        assert sess.run(value) == pytest.approx(expected)
    with pytest.raises(ValueError, match="incompatible"):
        getattr(tf.metrics, metric)(np.ones((3, 2)), np.ones(3))


def test_metrics_weights_have_the_predictions_dimensions():
    _, update = tf.metrics.accuracy(COLUMN, LINE, weights=np.array([[1.0], [0], [1]]))
    assert run(update, local=True) == pytest.approx(0.5)


def test_weights_of_losses_are_repeated_as_tensorflow_does():
    losses = np.array([[1.0], [2], [3]], np.float32)
    with pytest.raises(ValueError, match="broadcast"):
        tf.losses.compute_weighted_loss(losses, np.array([1.0, 0, 2], np.float32))
    with pytest.raises(ValueError, match="broadcast"):
        tf.losses.compute_weighted_loss(losses, np.ones((2, 1), np.float32))
    got = tf.losses.compute_weighted_loss(losses, np.array([[1.0], [0], [2]], np.float32))
    assert run(got) == pytest.approx(3.5)
    mean = tf.losses.compute_weighted_loss(losses, 2.0, reduction=tf.losses.Reduction.MEAN)
    assert run(mean) == pytest.approx(2.0)


def test_losses_of_whole_predictions_are_computed_as_floats():
    for name, expected in (("mean_squared_error", 0.25), ("absolute_difference", 0.5),
                           ("huber_loss", 0.125)):
        loss = getattr(tf.losses, name)(np.array([1.5, 2.5], np.float32), tf.constant([1, 2]))
        assert loss.dtype == tf.float32 and run(loss) == pytest.approx(expected)


def test_layer_norm_and_linear_of_contrib():
    normal = tf.contrib.layers.layer_norm(tf.constant(X))
    line = tf.contrib.layers.linear(tf.constant(-np.abs(X)), 2,
                                    weights_initializer=tf.ones_initializer())
    assert names() == ["LayerNorm/beta:0", "LayerNorm/gamma:0", "fully_connected/weights:0",
                       "fully_connected/biases:0"]
    got, below = run([normal, line])
    np.testing.assert_allclose(got.mean(1), 0, atol=1e-6)
    np.testing.assert_allclose(got.std(1), 1, rtol=1e-4)
    assert (below < 0).all()


def test_dropout_keeps_the_shape_beside_a_placeholder_without_one():
    x, keep = tf.placeholder(tf.float32, [None, 4]), tf.placeholder(tf.float32)
    dropped = tf.nn.dropout(x, keep)
    cell = tf.nn.rnn_cell.DropoutWrapper(tf.nn.rnn_cell.BasicRNNCell(3), output_keep_prob=keep)
    outputs, _ = tf.nn.dynamic_rnn(cell, tf.reshape(x, [-1, 2, 4]), dtype=tf.float32)
    assert dropped.shape.as_list() == [None, 4] and outputs.shape.as_list() == [None, 2, 3]
    y = tf.layers.dense(dropped, 2, use_bias=False)
    got, kernel = run([y, tf.global_variables()[-1]], {x: X, keep: 1.0})
    np.testing.assert_allclose(got, X @ kernel, rtol=1e-5)


def test_layers_of_contrib_put_results_and_variables_into_collections():
    slim = tf.contrib.slim
    with slim.arg_scope([slim.fully_connected, slim.conv2d, slim.max_pool2d],
                        outputs_collections="ends"):
        image = slim.conv2d(tf.ones([2, 4, 4, 1]), 3, 3, variables_collections=["all"])
        small = slim.max_pool2d(image, 2)
        line = slim.fully_connected(slim.flatten(small, outputs_collections=["flat", "ends"]), 2,
                                    variables_collections={"weights": ["kernels"]})
    slim.batch_norm(line, variables_collections={"moving_mean": "means"})
    assert [v.name for v in tf.get_collection("means")] == ["BatchNorm/moving_mean:0"]
    ends = tf.get_collection("ends")
    assert ends[:2] == [image, small] and ends[3] == line
    assert tf.get_collection("flat") == ends[2:3]
    assert [v.name for v in tf.get_collection("all")] == ["Conv/weights:0", "Conv/biases:0"]
    assert [v.name for v in tf.get_collection("kernels")] == ["fully_connected/weights:0"]


def test_dropout_of_layers_asks_a_tensor_whether_it_trains():
    training = tf.placeholder(tf.bool, [])
    x = tf.constant(np.full((2, 50), np.inf, np.float32))
    dropped = tf.layers.dropout(x, 0.5, training=training)
    # What is not done is not computed: an infinity that is not dropped stays one.
    assert np.isinf(run(dropped, {training: False})).all()
    assert set(np.unique(run(dropped, {training: True}))) == {0, np.inf}
    slope, = tf.gradients(tf.layers.dropout(tf.identity(x), 0.5, training=training), x)
    assert (run(slope, {training: False}) == 1).all()
    assert set(np.unique(run(slope, {training: True}))) == {0, 2}
