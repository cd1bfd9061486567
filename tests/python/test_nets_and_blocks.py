"""Networks of slim, blocks as batches, sparse tensors' parts, samples and divergences."""

import numpy as np
import pytest

import varscope.compat.v1 as tf
from varscope.compat.v1._missing import missing_text

slim = tf.contrib.slim


def run(wanted, feed=None):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(wanted, feed)


def test_vgg_has_slims_names():
    images = tf.placeholder(tf.float32, [None, 224, 224, 3])
    with slim.arg_scope(slim.nets.vgg.vgg_arg_scope()):
        scores, points = slim.nets.vgg.vgg_16(images, 7, is_training=False)
    names = [v.op.name for v in tf.global_variables()]
    assert scores.shape.as_list() == [None, 7] and len(names) == 32
    assert names[0] == "vgg_16/conv1/conv1_1/weights" and names[-1] == "vgg_16/fc8/biases"
    assert points["vgg_16/pool5"].shape.as_list() == [None, 7, 7, 512]
    assert len(tf.losses.get_regularization_losses()) == 16


def test_resnet_has_slims_names():
    nets = tf.contrib.slim.python.slim.nets.resnet_v1
    images = tf.placeholder(tf.float32, [1, 64, 64, 3])
    with slim.arg_scope(nets.resnet_arg_scope()):
        scores, points = nets.resnet_v1_50(images, 5, is_training=False)
    names = {v.op.name for v in tf.global_variables()}
    assert len(names) == 53 * 5 + 2
    assert "resnet_v1_50/block1/unit_1/bottleneck_v1/shortcut/BatchNorm/moving_mean" in names
    assert "resnet_v1_50/block4/unit_3/bottleneck_v1/conv3/weights" in names
    assert points["resnet_v1_50/block4"].shape.as_list() == [1, 2, 2, 2048]
    assert points["predictions"].shape.as_list() == [1, 5] == scores.shape.as_list()


def test_a_network_that_is_not_there_is_named():
    with pytest.raises(AttributeError, match=r"tf\.contrib\.slim\.nets\.inception"):
        slim.nets.inception  # noqa: B018


def test_a_network_that_is_imported_is_named_as_scripts_know_it():
    assert missing_text("contrib._nets.inception").startswith(
        "varscope has no tf.contrib.slim.nets.inception;")


def test_blocks_become_batches():
    # TensorFlow's own examples.
    x = np.arange(1, 17, dtype=np.float32).reshape(1, 4, 4, 1)
    made, back, padded = run([
        tf.space_to_batch_nd(x, [2, 2], [[0, 0], [0, 0]]),
        tf.batch_to_space(tf.space_to_batch(x, [[0, 0], [0, 0]], 2), [[0, 0], [1, 0]], 2),
        tf.space_to_batch_nd(x.reshape(2, 2, 4, 1), [2, 2], [[0, 0], [2, 0]])])
    np.testing.assert_array_equal(made[..., 0], [[[1, 3], [9, 11]], [[2, 4], [10, 12]],
                                                 [[5, 7], [13, 15]], [[6, 8], [14, 16]]])
    np.testing.assert_array_equal(back, x[:, :, 1:])
    np.testing.assert_array_equal(padded[:, 0, :, 0], [
        [0, 1, 3], [0, 9, 11], [0, 2, 4], [0, 10, 12], [0, 5, 7], [0, 13, 15], [0, 6, 8],
        [0, 14, 16]])


def test_shapes_of_two_tensors():
    assert tf.broadcast_static_shape(tf.TensorShape([2, 1]), tf.TensorShape([3])).as_list() == [2, 3]
    with pytest.raises(ValueError, match="Incompatible shapes"):
        tf.broadcast_static_shape(tf.TensorShape([2]), tf.TensorShape([3]))
    assert run(tf.broadcast_dynamic_shape(tf.constant([2, 1]), tf.constant([3]))).tolist() == [2, 3]


def test_parts_of_sparse_tensors():
    given = tf.sparse_placeholder(tf.float32, tf.constant([2, 2], tf.int64))
    half = tf.sparse_retain(given, [True, False]) * 0.5
    feed = {given: ([[0, 1], [1, 0]], [4.0, 6.0], [2, 2])}
    kept, total = run([half, tf.sparse_reduce_sum(given, 1)], feed)
    assert kept.indices.tolist() == [[0, 1]] and kept.values.tolist() == [2.0]
    assert total.tolist() == [4.0, 6.0]


def test_samples_and_divergences():
    tfd = tf.contrib.distributions
    classes = tf.distributions.Categorical(logits=np.log([[0.5, 0.5], [0.25, 0.75]]))
    one, other = tfd.MultivariateNormalDiag([[1.0, 2.0]], [[1.0, 1.0]]), tfd.MultivariateNormalDiag(
        [0.0, 0.0], [1.0, 1.0])
    drawn = classes.sample(50)
    many, chances, away = run([drawn, classes.prob(drawn), tfd.kl_divergence(one, other)])
    assert many.shape == (50, 2) and 0.5 < many[:, 1].mean() < 0.95
    np.testing.assert_allclose(chances[:, 1], np.where(many[:, 1], 0.75, 0.25), rtol=1e-5)
    assert away.tolist() == [2.5]


def test_freezing_a_checkpoint(tmp_path):
    x = tf.placeholder(tf.float32, [None, 2], "x")
    tf.identity(tf.layers.dense(x, 1), "out")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / "model"))
        right = session.run("out:0", {x: [[1, 2]]})
        frozen = str(tmp_path / "frozen.pb")
        freeze = tf.python.tools.freeze_graph.freeze_graph
        freeze("graph.pbtxt", "", False, path, "out", "", "", frozen, True, "")
        tf.saved_model.simple_save(session, str(tmp_path / "served"), {"x": x},
                                   {"out": session.graph.get_tensor_by_name("out:0")})
    with tf.Graph().as_default(), tf.Session() as session:
        said = tf.GraphDef()
        with open(frozen, "rb") as file:
            said.ParseFromString(file.read())
        tf.import_graph_def(said, name="")
        assert tf.global_variables() == []
        np.testing.assert_array_equal(session.run("out:0", {"x:0": [[1, 2]]}), right)
    served = tf.contrib.predictor.from_saved_model(str(tmp_path / "served"))
    np.testing.assert_array_equal(served({"x": [[1, 2]]})["out"], right)
    with pytest.raises(ValueError, match="unexpected keys"):
        served({"y": 1})
    with pytest.raises(FileNotFoundError, match="beside a checkpoint"):
        freeze("g", "", False, str(tmp_path / "no"), "out", "", "", frozen, True, "")


def test_distributions_by_inverses():
    made = [tf.distributions.Uniform(1.0, 3.0), tf.distributions.Laplace(1.0, 2.0),
            tf.distributions.Exponential(2.0)]
    drawn, means, chances, none = run([
        [x.sample(4000, seed=1) for x in made], [x.mean() for x in made],
        [x.prob(2.0) for x in made], made[0].prob(3.5)])
    np.testing.assert_allclose([x.mean() for x in drawn], means, atol=0.15)
    np.testing.assert_allclose(chances, [0.5, np.exp(-0.5) / 4, 2 * np.exp(-4)], rtol=1e-5)
    assert none == 0.0


def test_the_loss_of_triplets():
    x = np.array([[0.0, 0], [0, 1], [0, 1.5], [0, 5]], np.float32)
    labels = [0, 0, 1, 1]
    # The pairs and their negatives: 0-1 has 2.25, 1-0 is farther than 0.25 and has none, so that
    # the farthest counts: 16; 2-3 has none, 2.25; 3-2 has 16 and 25.
    semihard, contrast = run([
        tf.contrib.losses.metric_learning.triplet_semihard_loss(labels, x, 1.0),
        tf.contrib.losses.metric_learning.contrastive_loss([1, 0], x[:2], x[1:3], 1.0)])
    wanted = [max(1 + 1 - 2.25, 0), max(1 + 1 - 16, 0), max(1 + 12.25 - 2.25, 0),
              max(1 + 12.25 - 16, 0)]
    assert semihard == pytest.approx(sum(wanted) / 4)
    assert contrast == pytest.approx((1 + 0.25) / 2)


def test_an_image_with_zeros_around_it():
    made = run(tf.image.resize_image_with_pad(np.ones((4, 8, 3), np.float32), 8, 8))
    assert made.shape == (8, 8, 3) and made[:2].sum() == 0 and made[2:6].min() == 1.0


def test_a_new_dimension_in_a_list_of_one():
    assert tf.expand_dims(tf.zeros([2, 3]), axis=[-1]).shape.as_list() == [2, 3, 1]
    with pytest.raises(ValueError, match="must be one number"):
        tf.expand_dims(tf.zeros([2]), [0, 1])
