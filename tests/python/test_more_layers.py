"""Layers of slim that repeat, normalize and regularize, and metrics of classes: TensorFlow's numbers."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

slim, metrics = tf.contrib.slim, tf.contrib.metrics
IMAGES = np.random.RandomState(0).rand(2, 8, 8, 4).astype(np.float32)


def run(*wanted):
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        return session.run(list(wanted))


def test_layers_one_above_the_other():
    with slim.arg_scope([slim.conv2d], activation_fn=None):
        made = slim.repeat(IMAGES, 2, slim.conv2d, 5, [3, 3], scope="conv1")
        made = slim.stack(made, slim.conv2d, [(6, [1, 1]), (7, [1, 1])], scope="last")
    assert made.shape.as_list() == [2, 8, 8, 7]
    assert [v.op.name for v in tf.trainable_variables()][::2] == [
        "conv1/conv1_1/weights", "conv1/conv1_2/weights", "last/last_1/weights",
        "last/last_2/weights"]


def test_layers_that_normalize():
    each, grouped = run(slim.instance_norm(IMAGES), slim.group_norm(IMAGES, 2))
    np.testing.assert_allclose(each.mean((1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(grouped.reshape(2, 8, 8, 2, 2).std((1, 2, 4)), 1, atol=1e-3)
    length, most = run(tf.contrib.layers.unit_norm(IMAGES, 3), tf.contrib.layers.maxout(IMAGES, 2))
    np.testing.assert_allclose(np.square(length).sum(3), 1, rtol=1e-4)
    np.testing.assert_array_equal(most, IMAGES.reshape(2, 8, 8, 2, 2).max(4))


def test_a_separable_convolution():
    made = slim.separable_conv2d(IMAGES, 6, [3, 3], 2, scope="s")
    alone = slim.separable_conv2d(IMAGES, None, [3, 3], 2, stride=2, scope="d")
    assert made.shape.as_list() == [2, 8, 8, 6] and alone.shape.as_list() == [2, 4, 4, 8]
    assert [v.op.name for v in tf.trainable_variables()] == [
        "s/depthwise_weights", "s/pointwise_weights", "s/biases", "d/depthwise_weights", "d/biases"]
    run(made, alone)


def test_regularizers():
    w = tf.get_variable("w", initializer=[3.0, -4.0])
    both = tf.contrib.layers.l1_l2_regularizer(0.1, 0.2)
    total = tf.contrib.layers.apply_regularization(both, [w])
    assert run(total) == [pytest.approx(0.1 * 7 + 0.2 * 12.5)]
    assert tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES) == [total]


def twice(metric):
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        session.run(metric[1])
        session.run(metric[1])
        return session.run(metric[0])


def test_metrics_of_classes():
    labels, said = tf.constant([0, 1, 2, 1, 0, 2]), tf.constant([0, 2, 2, 1, 1, 2])
    assert twice(tf.metrics.mean_iou(labels, said, 4)) == pytest.approx(0.5)
    assert twice(tf.metrics.mean_per_class_accuracy(labels, said, 3)) == pytest.approx(2 / 3)
    assert twice(metrics.streaming_accuracy(said, labels)) == pytest.approx(4 / 6)
    scores = tf.constant([[0.1, 0.9, 0.5], [0.8, 0.1, 0.2]])
    one = tf.constant([2, 1], tf.int64)
    assert twice(tf.metrics.recall_at_k(one, scores, 2)) == pytest.approx(0.5)
    assert twice(tf.metrics.precision_at_k(one, scores, 2)) == pytest.approx(0.25)


def test_metrics_of_numbers():
    a, b = tf.constant([1.0, 2.0, 3.0]), tf.constant([1.5, 1.0, 0.0])
    assert twice(tf.metrics.mean_relative_error(a, b, a)) == pytest.approx(2 / 3)
    assert twice(tf.metrics.percentage_below(a, 2.5)) == pytest.approx(2 / 3)
    unit = tf.constant([[1.0, 0.0], [0.0, 1.0]])
    assert twice(tf.metrics.mean_cosine_distance(unit, unit[::-1], 1)) == 1
    assert run(tf.losses.cosine_distance(unit, unit, 1)) == [0]


def test_pictures_of_embeddings(tmp_path):
    projector = tf.contrib.tensorboard.plugins.projector
    config = projector.ProjectorConfig()
    shown = config.embeddings.add()
    shown.tensor_name, shown.sprite.image_path = "e:0", "s.png"
    shown.sprite.single_image_dim.extend([28, 28])
    projector.visualize_embeddings(tf.summary.FileWriter(str(tmp_path)), config)
    text = (tmp_path / "projector_config.pbtxt").read_text()
    assert 'image_path: "s.png"' in text and text.count("single_image_dim: 28") == 2
