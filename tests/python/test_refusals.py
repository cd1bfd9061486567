"""What TensorFlow's ops refuse, their compositions refuse too: when the graph is built where it
knows the numbers, else in the run."""

import itertools

import numpy as np
import pytest

import varscope.compat.v1 as tf

REFUSED = (ValueError, TypeError, tf.errors.InvalidArgumentError)


def run(x, feed=None):
    with tf.Session() as sess:
        return sess.run(x, feed)


def late(value, dtype=None):
    """A tensor of which the graph knows the rank alone, and what feeds it."""
    array = np.asarray(value, dtype)
    x = tf.placeholder(array.dtype, [None] * array.ndim)
    return x, {x: array}


def refused(build, *values):
    """Both of constants and of what a run is fed."""
    with pytest.raises(REFUSED):
        run(build(*map(tf.constant, values)))
    fed = [late(value) for value in values]
    with pytest.raises(REFUSED):
        run(build(*[x for x, _ in fed]), {x: value for _, feed in fed for x, value in feed.items()})


X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
ALONG = {
    "gather": (lambda x, axis: tf.gather(x, [1], axis=axis), lambda axis: np.take(X, [1], axis)),
    "unstack": (lambda x, axis: tf.unstack(x, axis=axis)[1], lambda axis: np.take(X, 1, axis)),
    "split": (lambda x, axis: tf.split(x, [1, x.shape[axis].value - 1], axis)[0],
              lambda axis: np.take(X, [0], axis)),
    "crelu": (lambda x, axis: tf.nn.crelu(x, axis=axis),
              lambda axis: np.concatenate([X, 0 * X], axis)),
    "tensordot": (lambda x, axis: tf.tensordot(x, x, [[axis], [axis]]),
                  lambda axis: np.tensordot(X, X, [[axis], [axis]])),
    "norm": (lambda x, axis: tf.norm(x, axis=axis), lambda axis: np.sqrt((X**2).sum(axis))),
}


@pytest.mark.parametrize("op, axis", list(itertools.product(ALONG, range(-5, 6))))
def test_an_axis_is_one_of_the_tensors(op, axis):
    build, expected = ALONG[op]
    if -3 <= axis < 3:
        np.testing.assert_allclose(run(build(tf.constant(X), axis)), expected(axis), rtol=1e-5)
    else:
        with pytest.raises((ValueError, IndexError)):
            build(tf.constant(X), axis)


@pytest.mark.parametrize("axis", range(-4, 5))
def test_the_axis_of_one_hot(axis):
    if -1 <= axis <= 2:
        expected = np.moveaxis(np.eye(5)[[[1, 2]]], -1, axis)
        np.testing.assert_array_equal(run(tf.one_hot([[1, 2]], 5, axis=axis)), expected)
    else:
        with pytest.raises(ValueError, match="axis|Axis"):
            tf.one_hot([[1, 2]], 5, axis=axis)


VECTOR = np.array([1, 2, 3], np.float32)


@pytest.mark.parametrize("begin, size", list(itertools.product(range(-1, 5), range(-2, 5))))
def test_slices_are_inside(begin, size):
    x, feed = late(VECTOR)
    at, of_size = tf.placeholder(tf.int32, [1]), tf.placeholder(tf.int32, [1])
    feed |= {at: [begin], of_size: [size]}
    right = 0 <= begin <= 3 and (size == -1 or 0 <= size <= 3 - begin)
    for part in (lambda: tf.slice(x, at, [size]), lambda: tf.slice(x, [begin], of_size),
                 lambda: tf.slice(x, at, of_size)):
        if right:
            end = 3 if size == -1 else begin + size
            np.testing.assert_array_equal(run(part(), feed), VECTOR[begin:end])
        else:
            with pytest.raises(REFUSED):
                run(part(), feed)


def test_a_slice_of_a_known_size_has_a_known_shape():
    assert tf.slice(tf.zeros([4, 5]), tf.placeholder(tf.int32, [2]), [2, -1]).shape[0] == 2


@pytest.mark.parametrize("ids", list(itertools.product((-1, 0, 1, 3), repeat=3)))
def test_segments_are_in_order(ids):
    if list(ids) == sorted(ids) and ids[0] >= 0:
        expected = np.zeros(ids[-1] + 1)
        np.add.at(expected, list(ids), VECTOR)
        np.testing.assert_array_equal(run(tf.segment_sum(VECTOR, list(ids))), expected)
    else:
        refused(tf.segment_sum, VECTOR, np.array(ids, np.int32))


def test_segments_of_no_rows():
    empty = tf.segment_sum(tf.zeros([0, 2]), tf.zeros([0], tf.int32))
    assert run(empty).shape == (0, 2)


@pytest.mark.parametrize("parts", list(itertools.product((-1, 0, 1, 5), repeat=2)))
def test_partitions_are_among_them(parts):
    values = VECTOR[:2]
    if set(parts) <= {0, 1}:
        for number, part in enumerate(run(tf.dynamic_partition(values, list(parts), 2))):
            np.testing.assert_array_equal(part, values[np.array(parts) == number])
    else:
        refused(lambda x, p: tf.dynamic_partition(x, p, 2), values, np.array(parts, np.int32))


@pytest.mark.parametrize("order", list(itertools.product((-1, 0, 1, 2, 3), repeat=3)))
def test_permutations(order):
    if sorted(order) == [0, 1, 2]:
        np.testing.assert_array_equal(run(tf.invert_permutation(list(order))), np.argsort(order))
    else:
        with pytest.raises(REFUSED):
            run(tf.invert_permutation(list(order)))


@pytest.mark.parametrize("width", range(6))
@pytest.mark.parametrize("mode", ["REFLECT", "SYMMETRIC"])
def test_mirrors_are_as_wide_as_the_tensor(mode, width):
    if width <= (2 if mode == "REFLECT" else 3):
        expected = np.pad(VECTOR, [[width, 1]], mode.lower())
        np.testing.assert_array_equal(run(tf.pad(VECTOR, [[width, 1]], mode)), expected)
    else:
        refused(lambda x: tf.pad(x, [[width, 1]], mode), VECTOR)


BUILT = {
    "unstack of too few": lambda: tf.unstack(tf.constant(VECTOR), num=2),
    "unstack of none": lambda: tf.unstack(tf.constant(VECTOR), num=0),
    "split into -1": lambda: tf.split(VECTOR, -1), "split into 0": lambda: tf.split(VECTOR, 0),
    "split into another number": lambda: tf.split(VECTOR, [1, 2], num=3),
    "a number of truth": lambda: tf.constant(VECTOR)[True],
    "a place that is no whole number": lambda: tf.constant(VECTOR)[tf.constant(1.0)],
    "truths that are numbers": lambda: tf.reduce_all([1.0, 0.0]),
    "a range of another dtype": lambda: tf.range(2.7, dtype=tf.int32),
    "a range that falls": lambda: tf.range(5, 1), "a range of 0": lambda: tf.range(1, 5, 0),
    "a condition with a shape": lambda: tf.cond(tf.constant([True]), lambda: 1, lambda: 2),
    "other keys": lambda: tf.cond(tf.constant(True), lambda: {"a": 1}, lambda: {"b": 1}),
    "other rows": lambda: tf.map_fn(lambda r: r[0] + r[1], ([1.0], [1.0, 2.0]), tf.float32),
    "another dtype": lambda: tf.map_fn(lambda r: r * 2, tf.constant(VECTOR), tf.int32),
    "no learning rate": lambda: tf.train.GradientDescentOptimizer(None),
    "a gate": lambda: tf.train.AdamOptimizer().compute_gradients(tf.constant(1.0), [],
                                                                 gate_gradients=7),
    "a flip of a matrix": lambda: tf.image.flip_left_right(np.ones([2, 3])),
    "one color": lambda: tf.image.rgb_to_grayscale(np.ones([2, 3, 1], np.float32)),
    "a norm of another order": lambda: tf.norm(X, "fro"), "axes of a norm": lambda: tf.norm(
        X, 1, [0, 3]),
}


@pytest.mark.parametrize("what", BUILT)
def test_what_is_refused_when_the_graph_is_built(what):
    with pytest.raises((ValueError, TypeError)):
        BUILT[what]()


def test_a_variable_is_saved_once_and_is_no_truth():
    v = tf.get_variable("v", [])
    with pytest.raises(ValueError, match="same name: v"):
        tf.train.Saver([v, v])
    with pytest.raises(TypeError, match="as a Python `bool`"):
        bool(v)


def test_rows_that_a_run_knows():
    (x, fed), (y, also) = late(VECTOR), late(VECTOR[:2])
    total = tf.map_fn(lambda r: r[0] + r[1], (x, y), tf.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="not_as_many_rows"):
        run(total, fed | also)
    np.testing.assert_array_equal(run(total, {x: VECTOR, y: VECTOR}), 2 * VECTOR)


@pytest.mark.parametrize("truths", list(itertools.product((True, False), repeat=2)))
def test_cases(truths):
    conditions = [tf.placeholder(tf.bool, []) for _ in truths]
    feed = dict(zip(conditions, truths))
    pairs = [(condition, lambda i=i: tf.constant(i)) for i, condition in enumerate(conditions)]
    first = truths.index(True) if True in truths else 9
    assert run(tf.case(pairs, lambda: tf.constant(9)), feed) == first
    one = tf.case(pairs, lambda: tf.constant(9), exclusive=True)
    if all(truths):
        with pytest.raises(tf.errors.InvalidArgumentError, match="More than one condition"):
            run(one, feed)
    else:
        assert run(one, feed) == first
    for without_default, true in ((tf.case(pairs), any(truths)), (tf.case(pairs[:1]), truths[0])):
        if true:
            assert run(without_default, feed) == first
        else:
            with pytest.raises(tf.errors.InvalidArgumentError, match="None of conditions"):
                run(without_default, feed)


def test_no_truth_is_among_nothing():
    assert run(tf.reduce_any(tf.zeros([0], tf.bool))) == False  # noqa: E712
    np.testing.assert_array_equal(run(tf.reduce_any(tf.zeros([2, 0], tf.bool), 1)), [False, False])
    assert run(tf.reduce_all(tf.zeros([0], tf.bool))) == True  # noqa: E712


MATRIX = np.array([[1, 2, 3], [0, 4, 5], [-1, 2, 6]], np.float32)


@pytest.mark.parametrize("order", [1, np.inf, "fro", "euclidean", 2, 3, 0.5])
@pytest.mark.parametrize("keep", [True, False])
def test_norms(order, keep):
    numpys = None if order == "euclidean" else order
    if order in (1, np.inf, "fro", "euclidean"):
        np.testing.assert_allclose(run(tf.norm(MATRIX, order, [0, 1], keep)),
                                   np.linalg.norm(MATRIX, numpys, (0, 1), keep), rtol=1e-6)
    if order != "fro":
        np.testing.assert_allclose(run(tf.norm(MATRIX, order, 1, keep)),
                                   np.linalg.norm(MATRIX, numpys, 1, keep), rtol=1e-5)


def test_sequence_masks_have_the_dtype_of_their_length():
    half = run(tf.sequence_mask([1, 3], 2.5))
    np.testing.assert_array_equal(half, [[True, False, False], [True, True, True]])
    whole = run(tf.sequence_mask([1.5, 2.0], 3))
    np.testing.assert_array_equal(whole, [[True, False, False], [True, True, False]])
    with pytest.raises(ValueError, match="scalar"):
        tf.sequence_mask([1, 2], [3, 4])


def test_linspace_has_the_dtype_of_its_start():
    assert tf.linspace(0.0, 1.0, 3).dtype == tf.float32
    assert tf.linspace(np.float64(0), 1.0, 3).dtype == tf.linspace(0, 1, 3).dtype == tf.float64


IMAGE = np.arange(48, dtype=np.float32).reshape(4, 4, 3)


@pytest.mark.parametrize("offset, size", list(itertools.product(range(-1, 5), range(-1, 6))))
def test_crops_are_inside(offset, size):
    def crop(image):
        return tf.image.crop_to_bounding_box(image, offset, 0, size, 2)

    if offset >= 0 and size > 0 and offset + size <= 4:
        np.testing.assert_array_equal(run(crop(tf.constant(IMAGE))),
                                      IMAGE[offset:offset + size, :2])
    else:
        refused(crop, IMAGE)


@pytest.mark.parametrize("size", range(1, 6))
def test_random_crops_are_inside(size):
    if size <= 3:
        assert run(tf.random_crop(VECTOR, [size])).shape == (size,)
    else:
        refused(lambda x: tf.random_crop(x, [size]), VECTOR)


@pytest.mark.parametrize("dtype, value", [(tf.int32, 2**40), (tf.uint8, 300), (tf.uint8, -1)])
def test_what_is_fed_fits_its_dtype(dtype, value):
    x = tf.placeholder(dtype, [])
    with pytest.raises(TypeError, match="does not fit"):
        run(x, {x: value})


def test_what_is_fed_is_a_dictionary():
    x = tf.placeholder(tf.float32, [])
    with pytest.raises(TypeError, match="must be a dictionary"):
        run(x, [(x, 1.0)])


def test_a_path_to_restore_from_is_given():
    tf.get_variable("v", [])
    with tf.Session() as sess, pytest.raises(ValueError, match="when it is None"):
        tf.train.Saver().restore(sess, None)
