"""Centers of clusters, matrices as objects, checks of all tensors, and what TensorFlow's own layers call."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

MEANS = np.array([[0, 5], [5, 0], [4, 4]], np.float32)
ROWS = (MEANS.repeat(40, 0) + np.random.RandomState(0).randn(120, 2) * 0.1).astype(np.float32)


@pytest.mark.parametrize("batches", [False, True])
def test_centers_move_to_the_means(batches):
    x = tf.placeholder(tf.float32, [None, 2])
    kmeans = tf.contrib.factorization.KMeans(x, 3, initial_clusters=ROWS[[0, 40, 80]],
                                             use_mini_batch=batches)
    _, nearest, least, begun, centers, init, train = kmeans.training_graph()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert not session.run(begun)
        session.run(init, {x: ROWS})
        for _ in range(10):
            session.run(train, {x: ROWS})
        numbers, distances, found = session.run([nearest[0], least[0], centers], {x: ROWS})
    np.testing.assert_allclose(found, MEANS, atol=0.1)
    assert numbers.tolist() == np.arange(3).repeat(40).tolist() and distances.mean() < 0.05


def test_angles_of_clusters():
    kmeans = tf.contrib.factorization.KMeans(tf.constant(ROWS), 3, distance_metric="cosine",
                                             initial_clusters=ROWS[[0, 40, 80]])
    scores, nearest, *_, centers, init, train = kmeans.training_graph()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(init)
        session.run(train)
        np.testing.assert_allclose(np.linalg.norm(session.run(centers), axis=1), 1, rtol=1e-5)
        assert session.run(nearest[0]).tolist() == np.arange(3).repeat(40).tolist()
    with pytest.raises(ValueError, match="Unsupported distance"):
        tf.contrib.factorization.KMeans(tf.constant(ROWS), 3, distance_metric="other")


def test_matrices_as_objects():
    full = np.array([[2.0, 9.0], [1.0, 4.0]], np.float32)
    lower = tf.contrib.linalg.LinearOperatorTriL(full)
    diagonal = tf.linalg.LinearOperatorDiag([2.0, 3.0])
    with tf.Session() as session:
        dense, product, solved, size = session.run([
            lower.to_dense(), lower.matmul(full), lower.solve([[2.0], [5.0]]),
            diagonal.determinant()])
    assert dense.tolist() == [[2, 0], [1, 4]] and product.tolist() == [[4, 18], [6, 25]]
    assert solved.tolist() == [[1], [1]] and size == pytest.approx(6)


def test_all_tensors_are_checked():
    x = tf.placeholder(tf.float32, [])
    y = tf.log(x)
    check = tf.add_check_numerics_ops()
    with tf.Session() as session:
        session.run([y, check], {x: 1.0})
        with pytest.raises(tf.errors.InvalidArgumentError, match="Inf or NaN|NaN or Inf"):
            session.run([y, check], {x: -1.0})


def test_a_condition_that_is_known():
    from varscope.compat.v1.python.layers import utils
    assert utils.smart_cond(True, lambda: 1, lambda: 2) == 1
    assert utils.smart_cond(tf.constant(False), lambda: 1, lambda: 2) == 2
    with tf.Session() as session:
        truth = tf.placeholder(tf.bool, [])
        made = utils.smart_cond(truth, lambda: tf.constant(1), lambda: tf.constant(2))
        assert session.run(made, {truth: False}) == 2
