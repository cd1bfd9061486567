"""Operators, indexing and literals, beside NumPy's answers; names, beside TensorFlow's."""

import operator

import numpy as np
import pytest

import varscope.compat.v1 as tf

A = np.array([[1.5, -2.0, 3.0], [4.0, 5.0, -6.0]], np.float32)
B = np.array([[2.0, 2.5, -1.0], [0.5, 3.0, 2.0]], np.float32)


def run(x):
    with tf.Session() as sess:
        return sess.run(x)


BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv,
          operator.lt, operator.le, operator.gt, operator.ge]


@pytest.mark.parametrize("op", BINARY)
@pytest.mark.parametrize("left, right", [
    ("tensor", "tensor"), ("tensor", "array"), ("array", "tensor"), ("tensor", "number"),
    ("number", "tensor"), ("tensor", "list"), ("list", "tensor"), ("variable", "tensor"),
    ("number", "variable"), ("array", "variable"), ("tensor", "numpy number"),
    ("numpy number", "tensor"),
])
def test_operators_on_both_sides(op, left, right):
    def operand(kind, array):
        return {
            "tensor": lambda: tf.constant(array),
            "variable": lambda: tf.Variable(array),
            "array": lambda: array.astype(np.float64),
            "list": lambda: array.tolist(),
            "number": lambda: 2.0,
            "numpy number": lambda: np.float64(2.0),
        }[kind]()

    def plain(kind, array):
        return np.float32(2.0) if "number" in kind else array

    result = op(operand(left, A), operand(right, B))
    assert isinstance(result, tf.Tensor)
    np.testing.assert_allclose(run(result), op(plain(left, A), plain(right, B)), rtol=1e-6)


def test_unary_operators_and_powers():
    x = tf.constant(A)
    np.testing.assert_array_equal(run(-x), -A)
    np.testing.assert_array_equal(run(abs(x)), abs(A))
    np.testing.assert_allclose(run(x**2), A**2)
    np.testing.assert_allclose(run(2.0**x), 2.0**A, rtol=1e-6)
    np.testing.assert_allclose(run(x @ B.T), A @ B.T, rtol=1e-6)
    np.testing.assert_allclose(run(A @ tf.constant(B.T)), A @ B.T, rtol=1e-6)


def test_names_are_tensorflows():
    x = tf.constant(1.0)
    assert x.name == "Const:0"
    assert [t.op.name for t in (x + 1, 1 - x, x * x, x / 2, x**2, -x, x // 1)] == [
        "add", "sub", "mul", "truediv", "pow", "Neg", "floordiv"]
    assert tf.add(x, 1, name="sum").name == "sum:0"
    with tf.name_scope("scope") as scope:
        assert scope == "scope/"
        assert (x + 1).op.name == "scope/add"
    assert repr(x) == "<tf.Tensor 'Const:0' shape=() dtype=float32>"


@pytest.mark.parametrize("key", [
    1, -1, slice(1, None), slice(None, 1), (0, 1), (slice(None), 2), (slice(None), -1),
    (Ellipsis, 0), (0, Ellipsis), (None, 1), (slice(None), None, 2), (slice(0, 2), slice(1, 3)),
    slice(-1, None), (slice(None), slice(None, -1)), Ellipsis, slice(5, 2), (0, None, slice(1, 2)),
])
def test_indexing_is_numpys(key):
    np.testing.assert_array_equal(run(tf.constant(A)[key]), A[key])
    np.testing.assert_array_equal(run(tf.Variable(A)[key]), A[key])


def test_indexing_of_unknown_dimensions():
    x = tf.placeholder(tf.float32, [None, 3])
    with tf.Session() as sess:
        for key in (0, slice(1, None), (slice(None), 1), (slice(0, 1), slice(None, 2))):
            np.testing.assert_array_equal(sess.run(x[key], {x: A}), A[key])
        for key in (-1, (slice(None), slice(None, None, -2)), slice(-1, None, -1)):
            np.testing.assert_array_equal(sess.run(x[key], {x: A}), A[key])


def test_literals_are_typed_as_tensorflow_types_them():
    assert tf.constant(1).dtype == tf.int32
    assert tf.constant(2**40).dtype == tf.int64
    assert tf.constant([1, 2]).dtype == tf.int32
    assert tf.constant(1.0).dtype == tf.float32
    assert tf.constant([[1.0]]).dtype == tf.float32
    assert tf.constant(True).dtype == tf.bool
    assert tf.constant(np.float64(1)).dtype == tf.float64
    assert tf.constant(np.zeros(2)).dtype == tf.float64
    assert tf.constant(1, tf.float64).dtype == tf.float64
    assert (tf.constant(1.0) + np.zeros(2)).dtype == tf.float32
    with pytest.raises(TypeError):
        tf.constant(1.5, tf.int32)
    with pytest.raises(TypeError):
        tf.constant(1) + 1.5
    with pytest.raises(ValueError):
        tf.constant(1) + None


def test_constants_of_a_shape():
    assert run(tf.constant(7, shape=[2, 2])).tolist() == [[7, 7], [7, 7]]
    assert run(tf.constant([1, 2, 3], shape=[5])).tolist() == [1, 2, 3, 3, 3]
    assert run(tf.constant([1, 2, 3, 4], shape=[2, 2])).tolist() == [[1, 2], [3, 4]]
    with pytest.raises(ValueError, match="Too many elements"):
        tf.constant([1, 2, 3], shape=[2])


def test_lists_of_tensors_are_stacked():
    x, y = tf.constant(1.0), tf.constant(2.0)
    assert run(tf.reduce_sum([x, y, 3.0])) == 6
    assert run(tf.stack([x, y])).tolist() == [1, 2]
    assert run(tf.concat([[x], [4.0]], 0)).tolist() == [1, 4]
    assert run(tf.add_n([x, y, 1.0])) == 4


def test_reductions_take_each_of_tensorflows_arguments():
    x = tf.constant(A)
    for options in ({"axis": 1}, {"axis": [1]}, {"reduction_indices": 1}, {"axis": -1}):
        np.testing.assert_allclose(run(tf.reduce_sum(x, **options)), A.sum(1))
    assert tf.reduce_mean(x, axis=1, keepdims=True).shape.as_list() == [2, 1]
    assert tf.reduce_mean(x, axis=1, keep_dims=True).shape.as_list() == [2, 1]
    assert tf.reduce_max(x).shape == []
    assert run(tf.argmax(x, 1)).tolist() == [2, 1]
    assert run(tf.argmax(x, dimension=1, output_type=tf.int32)).dtype == np.int32


def test_what_has_no_value_says_so():
    x = tf.constant([1.0])
    with pytest.raises(TypeError, match="Python `bool`"):
        bool(x)
    with pytest.raises(TypeError, match="not iterable"):
        list(x)
    with pytest.raises(TypeError, match="len is not well defined"):
        len(x)
    with pytest.raises(NotImplementedError, match="symbolic tensor"):
        np.asarray(x)
    with pytest.raises(TypeError, match="known when the graph is built|cannot be a tensor"):
        tf.transpose(x, tf.constant([0]))


def test_tensors_are_equal_to_themselves_alone():
    x, y = tf.constant(1.0), tf.constant(1.0)
    assert x == x and x != y and x != 1 and x is not None and x != None  # noqa: E711
    assert x.op == x.op and x.graph == tf.get_default_graph()
    assert {x: 1}[tf.get_default_graph().get_tensor_by_name("Const:0")] == 1
    assert len({x, y, x}) == 2


def test_shapes():
    x = tf.placeholder(tf.float32, [None, 3])
    assert x.get_shape().as_list() == [None, 3]
    assert x.shape[1].value == 3 and x.shape[0].value is None and int(x.shape[1]) == 3
    assert str(x.shape) == "(?, 3)"
    assert x.shape.ndims == 2 and not x.shape.is_fully_defined()
    unknown = tf.placeholder(tf.float32)
    assert unknown.shape.ndims is None and str(unknown.shape) == "<unknown>"
    with pytest.raises(ValueError):
        unknown.shape.as_list()
    assert tf.zeros(x.shape[1:]).shape == [3]
    assert tf.reshape(tf.zeros([6]), [-1, x.shape[1]]).shape == [2, 3]


def test_gradients():
    x = tf.constant(3.0)
    y = tf.constant(2.0)
    dx, dy, dz = tf.gradients(x * x * y, [x, y, tf.constant(0.0)])
    assert run(dx) == 12 and run(dy) == 9 and dz is None
    weighted = tf.gradients([x * x], [x], grad_ys=[tf.constant(10.0)])[0]
    assert run(weighted) == 60
    table = tf.get_variable("table", [4, 2], initializer=tf.ones_initializer())
    slices = tf.gradients(tf.reduce_sum(tf.gather(table, [1, 1])), table)[0]
    assert isinstance(slices, tf.IndexedSlices)
    with tf.Session() as sess:
        value = sess.run(slices)
    assert value.indices.tolist() == [1, 1] and value.values.tolist() == [[1, 1], [1, 1]]
    clipped, norm = tf.clip_by_global_norm([dx, None], 3.0)
    assert run(norm) == 12 and run(clipped[0]) == 3 and clipped[1] is None


def test_losses_are_asked_for_by_name():
    logits = tf.constant(A)
    labels = tf.constant([[1.0, 0, 0], [0, 1.0, 0]])
    with pytest.raises(ValueError, match="named arguments"):
        tf.nn.softmax_cross_entropy_with_logits(logits, labels)
    expected = -np.log(np.exp(A[[0, 1], [0, 1]]) / np.exp(A).sum(1))
    for loss in (tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits),
                 tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits),
                 tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 1], logits=logits)):
        np.testing.assert_allclose(run(loss), expected, rtol=1e-5)


def test_control_dependencies():
    v = tf.get_variable("v", [], initializer=tf.zeros_initializer())
    with tf.control_dependencies([v.assign(5.0)]):
        after = v.read_value()
        with tf.control_dependencies(None):
            free = tf.identity(1.0)
    with tf.Session() as sess:
        assert sess.run(free) == 1
        assert sess.run(v) == 0
        assert sess.run(after) == 5


def test_a_placeholder_with_a_default_takes_other_sizes():
    x = tf.placeholder_with_default(np.zeros((1, 3), np.float32), [None, 3], "x")
    assert x.shape.as_list() == [None, 3] and x.name == "x:0"
    rate = tf.placeholder_with_default([0.5], [None])
    on = tf.placeholder_with_default(False, None)
    total = tf.reduce_sum(x) + tf.cond(on, lambda: rate[0], lambda: 0.0)
    with tf.Session() as sess:
        assert sess.run(total) == 0
        assert sess.run(total, {x: np.ones((4, 3)), on: True}) == 12.5
        assert sess.run([x, rate], {rate: [1, 2]})[1].tolist() == [1, 2]
    with pytest.raises(ValueError, match="incompatible"):
        tf.placeholder_with_default(np.zeros((1, 3)), [None, 4])


def test_parts_of_matrices_leave_out_what_is_not_finite():
    matrix = tf.constant([[1.0, np.inf], [-np.inf, 2.0]])
    assert run(tf.matrix_band_part(matrix, 0, 0)).tolist() == [[1, 0], [0, 2]]
    assert run(tf.matrix_diag_part(matrix)).tolist() == [1, 2]
    assert run(tf.trace(matrix)) == 3
    assert run(tf.matrix_diag([1.0, np.inf])).tolist() == [[1, 0], [0, np.inf]]


def test_shapes_of_tensors_whose_number_of_dimensions_is_not_known():
    place = tf.placeholder(tf.int32)
    column = tf.slice(tf.constant(A), [0, place], [2, 1])
    table = tf.reshape(tf.constant(A), [place, 2])
    with tf.Session() as sess:
        np.testing.assert_array_equal(sess.run(column, {place: 1}), A[:, 1:2])
        np.testing.assert_array_equal(sess.run(table, {place: 3}), A.reshape(3, 2))


@pytest.mark.parametrize("equation, shapes", [
    ("ij,jk->ik", [(2, 3), (3, 4)]), ("bij,kj->bik", [(2, 3, 4), (5, 4)]), ("ij->ji", [(2, 3)]),
    ("ij->", [(2, 3)]), ("i,i->", [(3,), (3,)]), ("i,j->ij", [(3,), (4,)]),
    ("bfnh,btnh->bnft", [(2, 3, 4, 5), (2, 6, 4, 5)]), ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]),
    ("ij,jk", [(2, 3), (3, 4)]), ("ijk,jk->i", [(2, 3, 4), (3, 4)])])
def test_einsum(equation, shapes):
    values = [np.random.RandomState(i).randn(*shape) for i, shape in enumerate(shapes)]
    expected = np.einsum(equation, *values)
    open_ = [tf.placeholder(tf.float64, [None] * len(shape)) for shape in shapes]
    with tf.Session() as sess:
        known, unknown = sess.run([tf.einsum(equation, *values), tf.einsum(equation, *open_)],
                                  dict(zip(open_, values)))
    np.testing.assert_allclose(known, expected, rtol=1e-9)
    np.testing.assert_allclose(unknown, expected, rtol=1e-9)
    assert known.shape == unknown.shape == expected.shape


def test_products_and_spreads():
    assert run(tf.matmul(A, B, adjoint_b=True)).tolist() == (A @ B.T).tolist()
    np.testing.assert_allclose(run(tf.math.reduce_std(A, 1)), A.std(1), rtol=1e-6)
    np.testing.assert_allclose(run(tf.math.reduce_variance(A)), A.var(), rtol=1e-6)
    assert run(tf.linspace(np.float64(0), np.float64(1), 3)).dtype == np.float64
    first = np.exp(A) / np.exp(A).sum(0)
    np.testing.assert_allclose(run(tf.nn.softmax(A, axis=0)), first, rtol=1e-5)
    np.testing.assert_allclose(run(tf.nn.log_softmax(A, 0)), np.log(first), atol=1e-5)
    assert run(tf.confusion_matrix([1, 2], [1, 0])).tolist() == [[0, 0, 0], [0, 1, 0], [1, 0, 0]]
    weighted = tf.confusion_matrix([1, 0], [1, 0], 2, tf.float32, weights=[2.0, 3.0])
    assert run(weighted).tolist() == [[3, 0], [0, 2]]
    mask = tf.one_hot([1], 2, on_value=0.0, off_value=-np.inf)
    assert run(mask).tolist() == [[-np.inf, 0]]


def test_assertions_end_a_run():
    x = tf.placeholder(tf.float32, [None], "x")
    with tf.control_dependencies([tf.assert_positive(x, message="too small")]):
        y = tf.identity(x)
    with tf.control_dependencies([tf.assert_equal(x, [1.0, 2.0])]):
        z = tf.identity(x)
    finite = tf.check_numerics(x, "broken")
    with tf.Session() as sess:
        assert sess.run([y, z, finite], {x: [1, 2]})[0].tolist() == [1, 2]
        with pytest.raises(tf.errors.InvalidArgumentError, match="too small.*x > 0.*x:0"):
            sess.run(y, {x: [1, -2]})
        with pytest.raises(tf.errors.InvalidArgumentError, match="x == y did not hold"):
            sess.run(z, {x: [1, 3]})
        with pytest.raises(tf.errors.InvalidArgumentError, match="broken"):
            sess.run(finite, {x: [1, np.nan]})
    with pytest.raises(ValueError, match="must have rank 2"):
        tf.assert_rank(x, 2)


def test_modules_of_ops_are_there_under_their_paths():
    from varscope.compat.v1.python.ops import array_ops, init_ops, math_ops, nn_ops
    v = tf.get_variable("v", [2], initializer=init_ops.constant_initializer(3.0))
    row = array_ops.reshape(nn_ops.relu(v), [1, 2])
    total = math_ops.matmul(row, array_ops.ones([2, 1]))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run(total).tolist() == [[6]]
