"""The name that a program gives to an op is its result's, also where the op is made of others."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

X = np.array([[1, 2], [3, 4]], np.float32)
COMPOSED = {
    "pad": lambda n: tf.pad(X, [[1, 1], [0, 0]], constant_values=2, name=n),
    "mirror": lambda n: tf.pad(X, [[1, 1], [0, 0]], "REFLECT", name=n),
    "one_hot": lambda n: tf.one_hot([0], 2, on_value=3.0, name=n),
    "one_hot along 0": lambda n: tf.one_hot([0], 2, axis=0, name=n),
    "trace": lambda n: tf.trace(X, name=n), "diag": lambda n: tf.diag([1.0, 2.0], name=n),
    "eye": lambda n: tf.eye(2, name=n), "eyes": lambda n: tf.eye(2, batch_shape=[3], name=n),
    "matrix_diag": lambda n: tf.matrix_diag(X, name=n),
    "matrix_diag_part": lambda n: tf.matrix_diag_part(X, name=n),
    "matrix_band_part": lambda n: tf.matrix_band_part(X, 0, 0, name=n),
    "gather": lambda n: tf.gather(X, [0], axis=1, name=n),
    "segment_sum": lambda n: tf.segment_sum(X, [0, 1], name=n),
    "split": lambda n: tf.split(X, 2, name=n)[0], "unstack": lambda n: tf.unstack(X, name=n)[0],
    "cross": lambda n: tf.cross([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], name=n),
    "linspace": lambda n: tf.linspace(0.0, 1.0, 3, name=n),
    "tensordot": lambda n: tf.tensordot(X, X, 1, name=n),
    "weighted": lambda n: tf.nn.weighted_cross_entropy_with_logits(X, X, 2.0, name=n),
    "clip_by_norm": lambda n: tf.clip_by_norm(X, 1.0, name=n),
    "invert_permutation": lambda n: tf.invert_permutation([0, 1], name=n),
    "unique_with_counts": lambda n: tf.unique_with_counts([1, 1], name=n)[0],
    "dynamic_partition": lambda n: tf.dynamic_partition(X, [0, 1], 2, name=n)[0],
    "lrn": lambda n: tf.nn.lrn(tf.ones([1, 1, 1, 2]), name=n),
    "crelu": lambda n: tf.nn.crelu(X, name=n), "swish": lambda n: tf.nn.swish(X, name=n),
    "log_sigmoid": lambda n: tf.nn.log_sigmoid(X, name=n),
    "slice": lambda n: tf.slice(X, tf.constant([0, 0]), [1, 1], name=n),
    "norm": lambda n: tf.norm(X, name=n), "norm 1": lambda n: tf.norm(X, 1, 0, name=n),
    "norm of matrices": lambda n: tf.norm(X, np.inf, [0, 1], name=n),
    "norm 3": lambda n: tf.norm(X, 3, name=n),
    "sparse_to_dense": lambda n: tf.sparse_to_dense([0], [2], 1.0, name=n),
    "sparse_to_dense with a default": lambda n: tf.sparse_to_dense([0], [2], 1.0, 5.0, name=n),
    "sequence_mask": lambda n: tf.sequence_mask([1], 3, name=n),
    "reduce_all": lambda n: tf.reduce_all([True], name=n),
    "reduce_any": lambda n: tf.reduce_any([True], name=n),
    "rgb_to_grayscale": lambda n: tf.image.rgb_to_grayscale(np.ones([1, 1, 3], np.uint8), name=n),
    "grayscale_to_rgb": lambda n: tf.image.grayscale_to_rgb(np.ones([1, 1, 1]), name=n),
    "piecewise_constant": lambda n: tf.train.piecewise_constant(3, [1], [1.0, 2.0], name=n),
}


@pytest.mark.parametrize("op", COMPOSED)
def test_the_result_has_the_name(op):
    made = COMPOSED[op]("given")
    with tf.name_scope("outer"):
        again = COMPOSED[op]("given")
    assert (made.name, again.name) == ("given:0", "outer/given:0")
    with tf.Session() as sess:
        by_name = sess.run("given:0")
        np.testing.assert_array_equal(by_name, sess.run(made))


def test_layers_name_their_results_as_tensorflow_does():
    x = tf.ones([1, 4, 4, 1])
    names = [
        tf.layers.max_pooling2d(x, 2, 2), tf.layers.average_pooling2d(x, 2, 2, name="z"),
        tf.layers.average_pooling2d(x, 2, 2, name="z"), tf.layers.flatten(x),
        tf.layers.flatten(x, name="f"), tf.layers.batch_normalization(tf.ones([1, 2])),
        tf.tuple([x], name="t")[0]]
    assert [result.name for result in names] == [
        "max_pooling2d/MaxPool:0", "z/AvgPool:0", "z_1/AvgPool:0", "flatten/Reshape:0",
        "f/Reshape:0", "batch_normalization/batchnorm/add_1:0", "t/control_dependency:0"]


def test_a_layer_without_a_name_may_share():
    x = tf.ones([1, 2])
    first, second = (tf.layers.dense(x, 3, reuse=tf.AUTO_REUSE) for _ in range(2))
    assert (first.name, second.name) == ("dense/BiasAdd:0", "dense_1/BiasAdd:0")
    assert [v.name for v in tf.global_variables()] == ["dense/kernel:0", "dense/bias:0"]


def test_the_first_call_of_a_template_is_in_its_scope():
    call = tf.make_template("a/b", lambda x: tf.get_variable("w", [2]) * x)
    assert (call(1.0).name, call(2.0).name) == ("a/b/mul:0", "b/mul:0")


def test_gradients_are_below_their_name():
    x = tf.constant(X)
    [slope] = tf.gradients(tf.reduce_sum(x * x), x, name="slopes")
    assert slope.name.startswith("slopes/")
