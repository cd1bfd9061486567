"""Shapes of labels, predictions and weights: each metric and loss squeezes and refuses as
TensorFlow's do, whether the graph knows the shapes or a run alone."""

import itertools

import numpy as np
import pytest

import varscope.compat.v1 as tf
from varscope.weights import broadcastable

KNOWN = ["shape", "rank", "nothing"]


def run(x, feed=None):
    with tf.Session() as sess:
        sess.run(tf.local_variables_initializer())
        return sess.run(x, feed)


class Given:
    """Arrays as tensors, of which the graph knows so much."""

    def __init__(self, known):
        self.known, self.feed = known, {}

    def __call__(self, value, dtype=np.float32):
        array = np.asarray(value, dtype)
        if self.known == "shape":
            return tf.constant(array)
        x = tf.placeholder(array.dtype, [None] * array.ndim if self.known == "rank" else None)
        self.feed[x] = array
        return x


# What each metric makes of labels, predictions and weights.
V, C = [1, 2, 3], [[1], [2], [3]]
W, WRONG = [[1], [3], [3]], [1, 3, 3]
METRICS = [
    (tf.metrics.accuracy, V, WRONG, None, 2 / 3), (tf.metrics.accuracy, V, W, C, 4 / 6),
    (tf.metrics.accuracy, C, WRONG, V, 4 / 6), (tf.metrics.mean_squared_error, V, W, None, 1 / 3),
    (tf.metrics.mean_absolute_error, C, WRONG, C, 2 / 6),
    (tf.metrics.precision, [[1], [0]], [1, 1], None, 0.5),
    (tf.metrics.recall, [[1], [0]], [1, 1], None, 1.0),
    (tf.metrics.precision, [1, 0, 1], [1, 1, 0], V, 1 / 3),
    (tf.metrics.recall, [1, 0, 1], [[1], [1], [0]], C, 0.25),
]


@pytest.mark.parametrize("known", KNOWN)
@pytest.mark.parametrize("metric, labels, predictions, weights, expected", METRICS)
def test_metrics_squeeze(known, metric, labels, predictions, weights, expected):
    given = Given(known)
    share = None if weights is None else given(weights)
    value, update = metric(given(labels), given(predictions), share)
    assert run(update, given.feed) == pytest.approx(expected)


@pytest.mark.parametrize("known", KNOWN)
@pytest.mark.parametrize("values, weights, expected", [
    (V, C, 14 / 6), ([[1, 2], [3, 4]], [1, 0], 1.5), ([[1, 2], [3, 4]], [[1, 3]], 22 / 8),
    ([[1, 2], [3, 4]], 2, 2.5), (np.zeros([0, 2]), None, 0), ([1, 2], [0, 0], 0),
    ([[1, 2], [3, 4]], [1, 0, 2], None), ([1, 2, 3], [1, 2], None), ([1, 2], [[[1]]], None)])
def test_means(known, values, weights, expected):
    given = Given(known)

    def mean():
        return run(tf.metrics.mean(given(values), None if weights is None else given(weights))[1],
                   given.feed)

    if expected is None:
        with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
            mean()
    else:
        assert mean() == pytest.approx(expected)


def test_an_evaluation_goes_on_after_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="incompatible"):
        tf.metrics.accuracy([[1, 2]], [[1], [2]])


SHAPES = [shape for rank in range(4) for shape in itertools.product((1, 3), repeat=rank)]


@pytest.mark.parametrize("known", KNOWN)
@pytest.mark.parametrize("values", [(), (3,), (1,), (2, 3), (1, 2, 3)])
def test_which_weights_fit(known, values):
    """All shapes of up to three dimensions: one number, or the same rank with 1 or the same size."""
    for shape in [*SHAPES, values]:
        given = Given(known)
        fits = not shape or (len(shape) == len(values) and all(
            one in (1, size) for one, size in zip(shape, values)))
        weights = np.ones(shape)

        def tried():
            return run(broadcastable(given(weights), given(np.zeros(values))), given.feed)

        if fits:
            np.testing.assert_array_equal(tried(), weights)
        else:
            with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="broadcast"):
                tried()
        tf.reset_default_graph()


LABELS = np.array([[0, 1], [1, 1], [1, 0]], np.float32)
LOGITS = np.array([[.2, .7], [.4, .9], [.6, .1]], np.float32)
LOSSES = {
    tf.losses.mean_squared_error: lambda y, x: (x - y)**2,
    tf.losses.absolute_difference: lambda y, x: abs(x - y),
    tf.losses.huber_loss: lambda y, x: (x - y)**2 / 2,  # no error is larger than 1
    tf.losses.hinge_loss: lambda y, x: np.maximum(0, 1 - (2 * y - 1) * x),
    tf.losses.log_loss: lambda y, x: -y * np.log(x + 1e-7) - (1 - y) * np.log(1 - x + 1e-7),
    tf.losses.sigmoid_cross_entropy: lambda y, x: np.log1p(np.exp(-x)) + (1 - y) * x,
}


@pytest.mark.parametrize("known", KNOWN)
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_losses(known, loss):
    each = LOSSES[loss](LABELS, LOGITS)
    for weights in ([1, 0], [1], [[1, 0]], [[1]], [[1], [0], [2]], 3, 0, [1, 2, 0], [[[1]]]):
        given, share = Given(known), np.asarray(weights, np.float32)

        def value():
            return run(loss(given(LABELS), given(LOGITS), given(share)), given.feed)

        if share.ndim in (0, 2):
            used = np.broadcast_to(share, each.shape)
            expected = (each * used).sum() / max(np.count_nonzero(used), 1)
            assert value() == pytest.approx(expected, rel=1e-5)
        else:
            with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="broadcast"):
                value()
        tf.reset_default_graph()


REDUCTIONS = {
    "none": lambda x, w: x * w, "weighted_sum": lambda x, w: (x * w).sum(),
    "weighted_mean": lambda x, w: (x * w).sum() / (w.sum() or 1),
    "weighted_sum_over_batch_size": lambda x, w: (x * w).sum() / max(x.size, 1),
    "weighted_sum_by_nonzero_weights": lambda x, w: (x * w).sum() / max(np.count_nonzero(w), 1),
}


@pytest.mark.parametrize("known", KNOWN)
@pytest.mark.parametrize("rows", [0, 3])
@pytest.mark.parametrize("weights", [1, 1.0, 2.0, 0, np.float32([[1], [0], [3]])])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_reductions(known, rows, weights, reduction):
    given, losses = Given(known), LOGITS[:rows]
    share = weights[:rows] if np.ndim(weights) else weights
    used = np.broadcast_to(np.float32(share), losses.shape)
    value = run(tf.losses.compute_weighted_loss(given(losses), share, reduction=reduction),
                given.feed)
    np.testing.assert_allclose(value, REDUCTIONS[reduction](losses, used), rtol=1e-5)


def test_other_reductions_are_refused():
    with pytest.raises(ValueError, match="Invalid Reduction Key x"):
        tf.losses.mean_squared_error(LABELS, LOGITS, reduction="x")


@pytest.mark.parametrize("known", KNOWN)
def test_softmax_cross_entropies(known):
    given = Given(known)
    entropies = np.log(np.exp(LOGITS).sum(1, keepdims=True)) - LOGITS
    labels = [1, 0, 1]
    each = entropies[[0, 1, 2], labels]
    smooth = (entropies * (LABELS * 0.9 + 0.05)).sum(1)
    loss = tf.losses
    fetches = {
        "all": loss.sparse_softmax_cross_entropy(given(labels, np.int32), given(LOGITS)),
        "squeezed": loss.sparse_softmax_cross_entropy(given([[1], [0], [1]], np.int32),
                                                      given(LOGITS), given(V)),
        "weights": loss.sparse_softmax_cross_entropy(given(labels, np.int32), given(LOGITS),
                                                     given(C)),
        "smooth": loss.softmax_cross_entropy(given(LABELS[None]), given(LOGITS[None]),
                                             label_smoothing=0.1),
    }
    values = run(fetches, given.feed)
    weighted = (each * V).sum() / 3
    expected = {"all": each.mean(), "squeezed": weighted, "weights": weighted,
                "smooth": smooth.mean()}
    for key, value in values.items():
        assert value == pytest.approx(expected[key], rel=1e-5), key
