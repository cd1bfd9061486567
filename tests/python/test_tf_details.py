"""Details of TensorFlow 2.21's compat.v1 without version 2's behaviour: names, ranges, dtypes."""

import numpy as np
import pytest

import varscope.compat.v1 as tf


def run(fetches, feed=None):
    with tf.Session() as sess:
        return sess.run(fetches, feed)


STEPS = (0, 4, 10, 17, 35)
# What TensorFlow says, and the names of the results.
DECAYS = {
    "ExponentialDecay:0": (lambda x: tf.train.exponential_decay(.1, x, 10, .9),
                           [0.1, 0.09587315, 0.09, 0.08360115, 0.06915901]),
    "stairs/ExponentialDecay:0": (
        lambda x: tf.train.exponential_decay(.1, x, 10, .9, True),
        [0.1, 0.1, 0.09, 0.09, 0.07289999]),
    "natural/ExponentialDecay:0": (lambda x: tf.train.natural_exp_decay(.1, x, 10, .9),
                                   [0.1, 0.06976763, 0.04065697, 0.02165357, 0.004285213]),
    "InverseTimeDecay:0": (lambda x: tf.train.inverse_time_decay(.1, x, 10, .9),
                           [0.1, 0.07352941, 0.05263158, 0.03952569, 0.02409639]),
    "PolynomialDecay:0": (lambda x: tf.train.polynomial_decay(.1, x, 10, .01, 2.),
                          [0.1, 0.0424, 0.01, 0.01, 0.01]),
    "cycle/PolynomialDecay:0": (
        lambda x: tf.train.polynomial_decay(.1, x, 10, .01, 2., cycle=True),
        [0.1, 0.0424, 0.01, 0.012025, 0.01140625]),
    "CosineDecay/Mul_3:0": (lambda x: tf.train.cosine_decay(.1, x, 10, .1),
                            [0.1, 0.06890576, 0.01, 0.01, 0.01]),
    "SGDRDecay:0": (lambda x: tf.train.cosine_decay_restarts(.1, x, 10, 2., .5, .1),
                    [0.1, 0.06890576, 0.055, 0.04271479, 0.03164364]),
    "equal/SGDRDecay:0": (lambda x: tf.train.cosine_decay_restarts(.1, x, 10, 1., .5),
                          [0.1, 0.06545085, 0.05, 0.01030536, 0.00625]),
    "LinearCosineDecay:0": (lambda x: tf.train.linear_cosine_decay(.1, x, 20),
                            [0.1001, 0.07246067, 0.0251, 0.0009174506, 0.0001]),
}


@pytest.mark.parametrize("name", DECAYS)
def test_decays(name):
    make, expected = DECAYS[name]
    step = tf.placeholder(tf.int64, [])
    outer = name.split("/")[0] if name.split("/")[0].islower() else None
    with tf.name_scope(outer):
        rate = make(step)
    assert (rate.name, rate.dtype) == (name, tf.float32)
    with tf.Session() as sess:
        found = [sess.run(rate, {step: n}) for n in STEPS]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_decay_has_the_rates_dtype():
    rate = tf.train.exponential_decay(np.float64(0.1), tf.constant(5), 10, 0.5)
    assert rate.dtype == tf.float64
    assert run(rate) == pytest.approx(0.1 * 0.5**0.5, rel=1e-12)


def test_names_of_variables_and_gradients():
    with tf.variable_scope("a"):
        w = tf.get_variable("w", [2])
        loss = tf.reduce_sum(tf.square(w) * 2)
    with tf.name_scope("b"):
        [slope] = tf.gradients(loss, [w])
    names = [op.name for op in tf.get_default_graph().get_operations()]
    assert w.value().name == "a/w/read:0"
    assert slope.name.startswith("b/gradients/a/Square_grad/")
    assert "b/gradients/grad_ys_0" in names
    graph = tf.get_default_graph()
    assert graph.get_tensor_by_name("a/w/read:0") == graph.get_tensor_by_name("a/w:0")


def test_names_of_results():
    image = tf.placeholder(tf.float32, [2, 4, 5, 3])
    each, point = tf.ones([2, 2, 3, 2]), tf.ones([1, 1, 6, 4])
    pair = tf.py_func(lambda x: (x, x), [image], [tf.float32, tf.float32])
    made = [tf.nn.depthwise_conv2d(image, each, [1] * 4, "SAME"),
            tf.nn.depthwise_conv2d_native(image, each, [1] * 4, "SAME"),
            tf.nn.separable_conv2d(image, each, point, [1] * 4, "SAME"),
            tf.py_func(lambda x: x, [image], tf.float32, name="mine"), pair[0],
            tf.py_func(lambda x: x, [image], tf.float32, stateful=False),
            tf.image.resize_bilinear(image, [8, 8]), tf.image.resize_images(image, [8, 8]),
            tf.image.resize_area(image, [4, 5]), tf.image.resize_nearest_neighbor(image, [2, 2]),
            tf.image.resize_bicubic(image, [8, 8], name="b"), tf.image.flip_left_right(image),
            tf.image.per_image_standardization(image), tf.random_crop(image, [2, 2, 2, 3])]
    assert [x.op.name for x in made] == ["depthwise", "DepthwiseConv2dNative", "separable_conv2d",
                                         "mine", "PyFunc", "PyFuncStateless", "ResizeBilinear",
                                         "resize/ResizeBilinear", "ResizeArea",
                                         "ResizeNearestNeighbor", "b", "flip_left_right/ReverseV2",
                                         "per_image_standardization", "random_crop"]


def test_names_of_what_operators_make():
    a, x, m = tf.constant([True, False]), tf.constant([6, 3]), tf.ones([2, 2])
    made = [a & a, a | a, a ^ a, x & 6, x % 4, 4 % x, m @ m, True & a, 7 | x, x ** 2, ~a, x // 2]
    assert [y.op.name for y in made] == [
        "and", "or", "xor", "and_1/BitwiseAnd", "mod", "mod_1", "matmul", "and_2", "or_1/BitwiseOr",
        "pow", "LogicalNot", "floordiv"]
    functions = [tf.logical_and(a, a), tf.mod(x, 4), tf.matmul(m, m)]
    assert [y.op.name for y in functions] == ["LogicalAnd", "FloorMod", "MatMul_1"]


def test_ranges_know_how_many_numbers_they_have():
    third = np.float64(0.1)
    for numbers, count in (((0., 16777217., 16777216.), 1), ((1.00000001, 1.), 0), ((0, 1, .1), 10),
                           ((10, 2, -3), 3), ((0., 3, .3), 10), ((.1, .5, third), 4), ((3, 3), 0),
                           ((0, 2**40, 2**38), 4)):
        made = tf.range(*numbers)
        assert made.shape.as_list() == [count] == list(run(made).shape), numbers
    # Nothing of that size is made to count it.
    assert tf.range(0, 2**45).shape.as_list() == [2**45]
    for numbers, what in (((0, 1e30, 1e-30), "<= 9223372036854775807"), ((0., float("inf")), "<="),
                          ((5, 2), "start <= limit"), ((2, 5, -1), "start >= limit"),
                          ((0, 5, 0), "delta != 0")):
        with pytest.raises(ValueError, match=f"Requires .*{what}"):
            tf.range(*numbers)


def test_a_finalized_graph_takes_no_ops():
    w = tf.get_variable("w", [2], initializer=tf.ones_initializer())
    total = tf.reduce_sum(w)
    init = tf.global_variables_initializer()
    graph = tf.get_default_graph()
    assert not graph.finalized
    graph.finalize()
    assert graph.finalized
    for add in (lambda: tf.constant(1), lambda: w + 1, lambda: tf.get_variable("v", [2])):
        with pytest.raises(RuntimeError, match="Graph is finalized and cannot be modified"):
            add()
    assert tf.global_variables() == [w]
    with tf.Session() as sess:
        sess.run(init)
        assert sess.run([total, w])[1].tolist() == [1, 1]
        w.load([3, 4], sess)
        assert sess.run(total) == 7
        with pytest.raises(ValueError, match=r"has the shape \(3,\), variable w:0 has \(2,\)"):
            w.load([3, 4, 5], sess)
    with tf.Graph().as_default(), tf.Session() as other:
        with pytest.raises(ValueError, match="is of another graph than the session"):
            w.load([3, 4], other)


def test_what_a_finalized_graph_refuses_is_not_saved(tmp_path):
    with tf.Session() as sess:
        w = tf.get_variable("w", [2], initializer=tf.ones_initializer())
        adam = tf.train.AdamOptimizer(0.1)
        slopes = adam.compute_gradients(tf.reduce_sum(w))
        sess.run(tf.global_variables_initializer())
        tf.get_default_graph().finalize()
        for add in (lambda: tf.get_variable("v", [2]), lambda: adam.apply_gradients(slopes),
                    lambda: tf.get_variable("p", [4], partitioner=tf.fixed_size_partitioner(2))):
            with pytest.raises(RuntimeError, match="Graph is finalized and cannot be modified"):
                add()
        assert tf.global_variables() == [w] and adam.variables() == []
        path = tf.train.Saver().save(sess, str(tmp_path / "m"))
        assert tf.train.list_variables(path) == [("w", [2])]


def test_classes_in_range():
    for labels, predictions, classes, what in (
            ([1, -1], [1, 1], None, "labels_contains_negative"),
            ([1, 1], [1, -1], None, "predictions_contains_negative"),
            ([1, 3], [1, 1], 3, "labels_out_of_bound"),
            ([1, 2], [1, 5], 3, "predictions_out_of_bound")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=what):
            run(tf.confusion_matrix(labels, predictions, classes))
    # Weights are numbers of the dtype.
    assert run(tf.confusion_matrix([0, 0], [0, 0], weights=[1.5, 1.5])).tolist() == [[2]]
    assert run(tf.confusion_matrix([[1], [2]], [1, 2], 3)).tolist() == [
        [0, 0, 0], [0, 1, 0], [0, 0, 1]]
    nothing = np.zeros([0], np.int32)
    assert run(tf.confusion_matrix(nothing, nothing, 2)).tolist() == [[0, 0], [0, 0]]


def test_counts_are_of_numbers_that_are_not_negative():
    with pytest.raises(tf.errors.InvalidArgumentError, match="non_negative"):
        run(tf.bincount([1, -2]))
    assert run(tf.bincount(np.zeros([0], np.int32))).tolist() == []
    assert run(tf.bincount([1, 2, 5], maxlength=3)).tolist() == [0, 1, 1]
    assert run(tf.bincount([[1, 2, 5]])).tolist() == [0, 1, 1, 0, 0, 1]


def test_places_that_come_again_need_no_square_of_memory():
    count = 200_000
    places = np.arange(count) // 2
    values = np.arange(count, dtype=np.float32)
    dense = run(tf.sparse_to_dense(places, [count // 2], values, validate_indices=False))
    np.testing.assert_array_equal(dense, values[1::2])


@pytest.mark.parametrize("value, dtype, saturate, expected", [
    (np.array([0, 100, 255], np.uint8), "float32", False, [0.0, 0.3921569, 1.0]),
    (np.array([0, 0.5, 0.99, 1.0], np.float32), "uint8", False, [0, 127, 252, 255]),
    (np.array([-1, 0.5, 1.5], np.float32), "uint8", True, [0, 127, 255]),
    (np.array([0, 100, 255], np.uint8), "int16", False, [0, 12800, 32640]),
    (np.array([0, 100, 255], np.uint8), "int32", False, [0, 838860800, 2139095040]),
    (np.array([0, 100, 32767], np.int16), "uint8", False, [0, 0, 255]),
    (np.array([0, 100, -5], np.int32), "uint8", True, [0, 0, 0]),
])
def test_pixels_of_another_dtype(value, dtype, saturate, expected):
    made = tf.image.convert_image_dtype(value, dtype, saturate)
    assert (made.dtype, made.op.name) == (dtype, "convert_image")
    np.testing.assert_allclose(run(made), expected, rtol=1e-6)


def test_read_value_is_an_op_of_its_own():
    w = tf.get_variable("w", [2], initializer=tf.zeros_initializer())
    with tf.control_dependencies([w.assign_add([1.0, 2.0])]):
        after = w.read_value()
    assert (after.op.name, after.op.type) == ("read", "Identity")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run(after).tolist() == [1, 2]


def test_sparse_tensors_of_dense_ones():
    x = tf.placeholder(tf.float32, [None, 2])
    value = [[0, 3], [0, 0], [5, 0]]
    made = tf.sparse.from_dense(x)
    found = run([made, tf.sparse.to_dense(made), tf.sparse.matmul(made, [[1.0], [2.0]])], {x: value})
    assert found[0].indices.tolist() == [[0, 1], [2, 0]] and found[0].values.tolist() == [3, 5]
    assert found[0].dense_shape.tolist() == [3, 2]
    assert (found[1].tolist(), found[2].tolist()) == (value, [[6], [0], [5]])


def test_functions_of_single_numbers():
    assert run([tf.polygamma(1, 2.0), tf.polygamma(0, 2.0), tf.math.polyval([1.0, 2.0, 3.0], 2.0)]
               ) == pytest.approx([0.6449341, 0.42278433, 11.0])
    matrix = np.array([[4.0, 1], [1, 3]])
    assert run([tf.linalg.logdet(matrix)]) == pytest.approx([np.log(11)])
    assert run(tf.linalg.matvec(matrix, [1.0, 2.0])).tolist() == [6, 7]
