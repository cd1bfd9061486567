"""Random numbers of a seed, beside TensorFlow 2.21's, as tf.compat.v1 without version 2's behaviour
printed them."""

import numpy as np
import pytest

import varscope.compat.v1 as tf


def runs(seed, build):
    """What the first two runs of a session give, in a graph of this seed."""
    with tf.Graph().as_default(), tf.Session() as sess:
        if seed is not None:
            tf.set_random_seed(seed)
        fetches = build()
        sess.run(tf.global_variables_initializer())
        return [np.ravel(sess.run(fetches)) for _ in range(2)]


# The graph's seed, ops, and the numbers of two runs.
RECORDED = [
    (None, lambda: tf.random_normal([2], seed=1),
     [-0.811318219, 1.48459876],
     [1.3587774, 0.541741312]),
    (None, lambda: tf.random_normal([3], 1.0, 2.0, seed=7),
     [0.906108618, -1.40780473, 3.33367038],
     [1.43303406, 1.91686511, 1.48493683]),
    (None, lambda: tf.random_uniform([3], seed=1),
     [0.239037395, 0.920399547, 0.0505124331],
     [0.851476192, 0.28712368, 0.797627687]),
    (None, lambda: tf.random_uniform([3], -2.0, 5.0, seed=3),
     [0.70850563, 0.520183563, 4.83815718],
     [4.59518909, 2.060812, 0.549478531]),
    (None, lambda: tf.random_uniform([3], 0, 10, tf.int32, seed=3),
     [7, 3, 0],
     [0, 8, 1]),
    (None, lambda: tf.truncated_normal([3], stddev=0.1, seed=3),
     [0.106166206, -0.087857835, 0.0111872163],
     [-0.0166505296, -0.0302349608, -0.12736471]),
    (None, lambda: tf.random_shuffle(tf.constant([1, 2, 3, 4, 5]), seed=3),
     [3, 5, 4, 1, 2],
     [3, 2, 5, 4, 1]),
    (None, lambda: tf.multinomial(tf.constant([[0.1, 0.5, 0.4]]), 5, seed=3),
     [0, 2, 0, 2, 1],
     [2, 0, 0, 2, 2]),
    (None, lambda: tf.nn.dropout(tf.ones([8]), 0.5, seed=3),
     [0, 0, 2, 0, 2, 0, 0, 0],
     [0, 2, 2, 2, 2, 2, 0, 2]),
    (None, lambda: tf.random_gamma([3], [0.5, 1.0, 2.5], seed=7),
     [0.38862073, 0.69467956, 3.002162, 0.70230126, 0.03457941, 0.45050097, 3.407857, 0.35024348,
      4.124776],
     [4.6784431e-02, 2.2036531, 5.4301353, 2.0233580e-01, 1.3361815e-01, 1.9403250, 1.4284098e-03,
      3.5812896e-01, 2.5291481]),
    (None, lambda: tf.random_poisson([0.5, 4.0, 25.0, 1000.0], [3], seed=9),
     [0, 4, 26, 993, 1, 4, 27, 978, 1, 2, 27, 958],
     [0, 4, 29, 996, 1, 4, 26, 1090, 0, 7, 19, 1002]),
    (42, lambda: tf.concat([tf.random_normal([2]), tf.random_uniform([2]),
                           tf.truncated_normal([2])], 0),
     [-0.301015675, 0.518591642, 0.150128484, 0.639925361, 0.119353838, -0.101384878],
     [0.309164912, 0.0363379419, 0.366580486, 0.891245484, 0.716735005, -1.7670728]),
    (42, lambda: tf.random_normal([2], seed=5),
     [1.08004403, -2.47319293],
     [1.78888798, -0.0365429148]),
    (0, lambda: tf.random_normal([2], seed=0),
     [0.123918951, 2.798774],
     [-1.03584814, 0.49768284]),
]


@pytest.mark.parametrize("seed, build, first, second", RECORDED)
def test_ops_have_tensorflows_numbers(seed, build, first, second):
    numbers = runs(seed, build)
    np.testing.assert_allclose(numbers[0], first, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(numbers[1], second, rtol=1e-6, atol=1e-7)


def in_a_scope():
    with tf.variable_scope("s", initializer=tf.truncated_normal_initializer(stddev=0.1)):
        return tf.get_variable("a", [2, 2])


VARIABLES = [
    (1, lambda: [tf.get_variable("a", [2, 2]), tf.get_variable("b", [2, 2])],
     [0.765946746, -1.03227711, 0.959429622, -0.810156167, -1.08869016, -1.17894328,
      -1.05129719, -0.559923649]),
    (1, in_a_scope,
     [0.030520469, 0.0567137785, 0.041852273, 0.0232642107]),
    (None, lambda: tf.get_variable(
        "a", [2, 2], initializer=tf.random_normal_initializer(0, 1, seed=4)),
     [0.29629603, -0.0314132348, -0.054710608, 0.0376317911]),
    (None, lambda: tf.get_variable(
        "a", [2, 3], initializer=tf.variance_scaling_initializer(2.0, seed=4)),
     [0.336843342, -0.0357120484, -0.0621976033, 0.0427815989, -1.28874791,
      -0.0180521607]),
    (None, lambda: tf.Variable(tf.truncated_normal([2, 2], stddev=0.1, seed=2)),
     [-0.085811086, -0.0196622983, 0.013895045, -0.122127675]),
]


@pytest.mark.parametrize("seed, build, values", VARIABLES)
def test_variables_begin_with_tensorflows_numbers(seed, build, values):
    np.testing.assert_allclose(runs(seed, build)[0], values, rtol=1e-6, atol=1e-7)


def test_without_a_seed_numbers_differ():
    first, second = runs(None, lambda: tf.random_normal([8]))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, runs(None, lambda: tf.random_normal([8]))[0])


def test_a_variable_that_is_there_takes_no_seed():
    def with_reuse():
        tf.get_variable("a", [2])
        with tf.variable_scope(tf.get_variable_scope(), reuse=True):
            tf.get_variable("a", [2])
        return tf.random_normal([3])

    def without():
        tf.get_variable("a", [2])
        return tf.random_normal([3])

    np.testing.assert_array_equal(runs(5, with_reuse)[0], runs(5, without)[0])


def test_the_seed_is_the_graphs():
    with tf.Graph().as_default() as graph:
        assert graph.seed is None and tf.get_seed(None) == (None, None)
        assert tf.get_seed(3) == (87654321, 3)
        tf.set_random_seed(7)
        assert graph.seed == 7
        assert [tf.get_seed(None), tf.get_seed(None), tf.get_seed(9)] == [(7, 0), (7, 1), (7, 9)]
        tf.set_random_seed(0)
        assert tf.get_seed(0) == (0, 2**31 - 1)
    assert tf.Graph().seed is None


def test_integers_need_a_largest_number():
    with pytest.raises(ValueError, match="Must specify maxval"):
        tf.random_uniform([2], dtype=tf.int32)


def test_a_shape_that_a_run_computes():
    rows = tf.placeholder(tf.int32, [])
    with tf.Session() as sess:
        for n in (1, 4):
            drawn = sess.run(tf.random_uniform([rows, 3], 2.0, 3.0), {rows: n})
            assert drawn.shape == (n, 3) and (2 <= drawn).all() and (drawn < 3).all()
            values = sess.run(tf.zeros([rows, 2]) + tf.fill([rows, 1], 2.0), {rows: n})
            np.testing.assert_array_equal(values, np.full((n, 2), 2.0))


def test_gamma_and_poisson_have_dtypes_rates_and_gradients():
    double = tf.random_gamma([4], tf.constant(30.0, tf.float64), tf.constant(2.0, tf.float64),
                             tf.float64, seed=7)
    whole = tf.random_poisson(tf.constant(25.0, tf.float64), [3], tf.int32, seed=9)
    alpha = tf.constant([0.5, 1.0, 20.0])
    drawn = tf.random_gamma([2], alpha, seed=3)
    with tf.Session() as sess:
        np.testing.assert_allclose(sess.run(double), [16.25731812, 16.8381348, 19.27455171,
                                                      8.84363647])
        assert sess.run(whole).tolist() == [23, 29, 34]
        np.testing.assert_allclose(sess.run(tf.gradients(drawn, alpha)[0]),
                                   [0.27192035, 2.1715097, 2.1182556], rtol=1e-5)
        with pytest.raises(tf.errors.InvalidArgumentError, match="no number can be drawn"):
            sess.run(tf.random_poisson([float("nan")], [1]))
        # TensorFlow draws for ever what its result's type has no number for.
        assert sess.run(tf.random_poisson(1e12, [2], tf.int32)).tolist() == [2**31 - 1] * 2
    assert [x.op.name for x in (double, whole)] == ["random_gamma/Maximum",
                                                    "random_poisson/RandomPoissonV2"]
