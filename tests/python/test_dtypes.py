"""What ops compute with integers of all sizes, and with halves."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

WHOLE = ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64"]
SIGNED = ["int8", "int16", "int32", "int64"]
OPS = {
    "add": (tf.add, np.add), "subtract": (tf.subtract, np.subtract),
    "multiply": (tf.multiply, np.multiply), "maximum": (tf.maximum, np.maximum),
    "minimum": (tf.minimum, np.minimum), "floordiv": (tf.floordiv, np.floor_divide),
    "div": (tf.div, np.floor_divide), "mod": (tf.mod, np.mod), "equal": (tf.equal, np.equal),
    "less": (tf.less, np.less), "greater_equal": (tf.greater_equal, np.greater_equal),
    "not_equal": (tf.not_equal, np.not_equal)}
REDUCTIONS = {
    "sum": (tf.reduce_sum, np.add), "prod": (tf.reduce_prod, np.multiply),
    "max": (tf.reduce_max, np.maximum), "min": (tf.reduce_min, np.minimum)}


def random_of(dtype, shape, seed):
    ends = np.iinfo(dtype)
    return np.random.RandomState(seed).randint(
        max(ends.min, -2**31), min(ends.max, 2**31), shape, np.int64).astype(dtype)


def run(tensor, feeds=None):
    with tf.Session() as sess:
        return sess.run(tensor, feeds)


@pytest.mark.parametrize("dtype", WHOLE)
@pytest.mark.parametrize("name", OPS)
def test_two_operands_wrap(name, dtype):
    op, expected = OPS[name]
    x, y = random_of(dtype, (3, 4), 1), random_of(dtype, (4,), 2)
    y[y == 0] = 1
    y[0] = x[0, 0] or 1
    a = tf.placeholder(dtype, [3, 4])
    got = run(op(a, y), {a: x})
    with np.errstate(over="ignore"):
        wanted = expected(x, y)
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("dtype", WHOLE)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions_wrap(name, dtype):
    op, expected = REDUCTIONS[name]
    x = random_of(dtype, (3, 4), 3)
    with np.errstate(over="ignore"):
        wanted = expected.reduce(x, axis=1, dtype=dtype)
    got = run(op(tf.constant(x), axis=1))
    assert got.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("dtype", WHOLE)
def test_sums_that_run_and_places(dtype):
    x = random_of(dtype, (2, 3), 4)
    with np.errstate(over="ignore"):
        sums = np.cumsum(x, 1, dtype=dtype)
        products = np.cumprod(x, 0, dtype=dtype)
    np.testing.assert_array_equal(run(tf.cumsum(x, 1)), sums)
    np.testing.assert_array_equal(run(tf.cumprod(x, 0)), products)
    np.testing.assert_array_equal(run(tf.argmax(x, 1)), x.argmax(1))
    np.testing.assert_array_equal(run(tf.square(tf.constant(x))), (x.astype(object)**2 % 2**64)
                                  .astype(np.uint64).astype(dtype))
    np.testing.assert_array_equal(run(tf.where(tf.equal(x, x[0, 0]))), np.argwhere(x == x[0, 0]))


@pytest.mark.parametrize("dtype", SIGNED)
def test_signs(dtype):
    x = random_of(dtype, (5,), 5)
    np.testing.assert_array_equal(run(-tf.constant(x)), -x)
    np.testing.assert_array_equal(run(tf.abs(x)), abs(x))
    np.testing.assert_array_equal(run(tf.sign(x)), np.sign(x))


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64"])
def test_powers_and_products_of_matrices(dtype):
    x = np.random.RandomState(6).randint(-9, 9, (2, 3, 4)).astype(dtype)
    y = np.random.RandomState(7).randint(-9, 9, (2, 4, 3)).astype(dtype)
    np.testing.assert_array_equal(run(tf.matmul(x, y)), x @ y)
    np.testing.assert_array_equal(run(tf.matmul(x[0], y[0].T, transpose_b=True)), x[0] @ y[0])
    np.testing.assert_array_equal(run(tf.matmul(x[0].T, y[0], transpose_a=True)), x[0] @ y[0])
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(run(tf.constant(x) ** 3), x ** np.array(3, dtype))
    np.testing.assert_array_equal(run(tf.pow(tf.constant([0, 2, 3], dtype), [0, 6, 1])), [1, 64, 3])
    with pytest.raises(tf.errors.InvalidArgumentError, match="negative integer powers"):
        run(tf.pow(tf.constant([2], dtype), [-1]))


def test_a_product_without_elements_between():
    empty = tf.matmul(tf.zeros([2, 0], tf.int32), tf.zeros([0, 3], tf.int32))
    assert run(empty).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_halves_are_computed_in_floats():
    x = np.array([[1, 2.5], [1000, -3]], np.float16)
    a = tf.constant(x)
    assert run(a + a).dtype == np.float16
    np.testing.assert_array_equal(run(a * 2 - a), x)
    np.testing.assert_array_equal(run(tf.reduce_max(a, 0)), x.max(0))


def test_division_of_whole_numbers():
    assert run(tf.div(7, 2)) == 3 and run(tf.div(-7, 2)) == -4
    assert run(tf.div(7.0, 2)) == 3.5
    assert run(tf.constant(7) / 2) == 3.5 and run(tf.truediv(7, 2)) == 3.5


def test_all_and_any_are_exact():
    many = tf.ones([2**24 + 3], tf.int8)
    assert run(tf.count_nonzero(many)) == 2**24 + 3
