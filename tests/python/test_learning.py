"""Words as numbers, data sets of files, and what else old scripts take from contrib and keras."""

import subprocess

import numpy as np
import pytest
from conftest import start_server

import varscope.compat.v1 as tf
from varscope.programs import path_of

learn = tf.contrib.learn


def test_words_get_numbers_in_their_order():
    words = learn.preprocessing.VocabularyProcessor(4)
    rows = list(words.fit_transform(["the cat's hat", "a hat, the end of it"]))
    assert [row.tolist() for row in rows] == [[1, 2, 3, 0], [4, 3, 1, 5]]
    assert rows[0].dtype == np.int64 and len(words.vocabulary_) == 8
    assert next(words.transform(["the dog"])).tolist() == [1, 0, 0, 0]
    assert list(words.reverse([[1, 2, 0]])) == ["the cat's <UNK>"]


def test_rare_words_are_left_out_and_files_keep_the_rest(tmp_path):
    words = learn.preprocessing.VocabularyProcessor(3, min_frequency=1)
    words.fit(["b a a", "b c a"])
    assert [row.tolist() for row in words.transform(["a b c"])] == [[1, 2, 0]]
    words.save(str(tmp_path / "words"))
    again = learn.preprocessing.VocabularyProcessor.restore(str(tmp_path / "words"))
    assert next(again.transform(["c b a"])).tolist() == [0, 2, 1]


def test_a_tokenizer_of_the_programs_own():
    words = learn.preprocessing.VocabularyProcessor(
        2, tokenizer_fn=lambda texts: (text.split("-") for text in texts))
    assert [row.tolist() for row in words.fit_transform(["x-y", "y"])] == [[1, 2], [2, 0]]


def test_files_of_numbers(tmp_path):
    (tmp_path / "a.csv").write_text("2,3,x,y,z\n1,2,3,0\n4,5,6,1\n")
    read = learn.datasets.base.load_csv_with_header(str(tmp_path / "a.csv"), np.int32, np.float32)
    assert read.data.tolist() == [[1, 2, 3], [4, 5, 6]] and read.target.tolist() == [0, 1]
    (tmp_path / "b.csv").write_text("7,1,2\n8,3,4\n")
    plain = learn.datasets.base.load_csv_without_header(
        str(tmp_path / "b.csv"), np.int32, np.float32, target_column=0)
    assert plain.data.dtype == np.float32 and plain.target.tolist() == [7, 8]


@pytest.mark.parametrize("padding, truncating, expected", [
    ("pre", "pre", [[2, 3], [0, 4], [0, 0]]), ("post", "pre", [[2, 3], [4, 0], [0, 0]]),
    ("pre", "post", [[1, 2], [0, 4], [0, 0]]), ("post", "post", [[1, 2], [4, 0], [0, 0]])])
def test_sequences_of_one_length(padding, truncating, expected):
    pad = tf.keras.preprocessing.sequence.pad_sequences
    assert pad([[1, 2, 3], [4], []], 2, padding=padding, truncating=truncating).tolist() == expected
    assert pad([[1, 2, 3], [4]], value=9).tolist() == [[1, 2, 3], [9, 9, 4]]


def run(fetches, feeds=None):
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run(fetches, feeds)


def test_functions_of_arrays():
    x = tf.placeholder(tf.float32, [2])
    doubled = tf.py_func(lambda a: a * 2, [x + 1], tf.float32)
    doubled.set_shape([2])
    assert (doubled + x).get_shape().as_list() == [2]
    assert run(doubled + x, {x: [1, 2]}).tolist() == [5, 8]
    total, text = tf.py_func(lambda a: [a.sum(), "t"], [x], [tf.float32, tf.string])
    assert run([total, text], {x: [1, 2]}) == [3, b"t"]
    with pytest.raises(ValueError, match="float64, not float32"):
        run(tf.py_func(lambda a: a.astype(np.float64), [x], tf.float32), {x: [1, 2]})
    with pytest.raises(ValueError, match="gives 1 values, not 2"):
        run(tf.py_func(lambda a: [a], [x], [tf.float32] * 2)[0], {x: [1, 2]})


def test_distances_of_sequences():
    def words(*texts):
        places = [[row, place] for row, text in enumerate(texts) for place in range(len(text))]
        return tf.SparseTensor(places, list("".join(texts)), [len(texts), 9])
    got = tf.edit_distance(words("kitten", "abc", "x"), words("sitting", "abc", "xyz"))
    assert run(got).tolist() == [pytest.approx(3 / 7), 0, pytest.approx(2 / 3)]
    plain = tf.edit_distance(words("kitten", "", "x"), words("sitting", "ab", "xyz"),
                             normalize=False)
    assert run(plain).tolist() == [3, 2, 2]
    assert run(tf.edit_distance(words("a"), tf.SparseTensor(
        np.zeros([0, 2], np.int64), tf.constant([], tf.string), [1, 1]))).tolist() == [np.inf]


def test_vectors_of_three():
    a, b = np.random.RandomState(1).randn(2, 4, 3).astype(np.float32)
    np.testing.assert_allclose(run(tf.cross(a, b)), np.cross(a, b), rtol=1e-5, atol=1e-6)


def test_a_cell_of_eight_parts():
    """NASCell against its definition, in NumPy."""
    cell = tf.contrib.rnn.NASCell(2)
    x = np.random.RandomState(2).randn(3, 4).astype(np.float32)
    c, m = np.random.RandomState(3).randn(2, 3, 2).astype(np.float32)
    made, state = cell(tf.constant(x), tf.contrib.rnn.LSTMStateTuple(c, m))
    weights = tf.trainable_variables()
    got, new_c, inner, outer = run([made, state.c, *weights])
    def sigmoid(z): return 1 / (1 + np.exp(-z))
    def relu(z): return np.maximum(z, 0)
    p, q = np.split(x @ inner, 8, 1), np.split(m @ outer, 8, 1)
    first = [sigmoid(p[0] + q[0]), relu(p[1] + q[1]), sigmoid(p[2] + q[2]), relu(p[3] * q[3]),
             np.tanh(p[4] + q[4]), sigmoid(p[5] + q[5]), np.tanh(p[6] + q[6]), sigmoid(p[7] + q[7])]
    cell_state = np.tanh(np.tanh(first[0] * first[1]) + c) * np.tanh(first[2] + first[3])
    hidden = np.tanh(cell_state * np.tanh(np.tanh(first[4] * first[5]) + sigmoid(
        first[6] + first[7])))
    np.testing.assert_allclose(new_c, cell_state, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(got, hidden, rtol=1e-4, atol=1e-6)


def test_labels_of_any_dtype():
    labels = tf.placeholder(tf.float32, [4, 1])
    loss = tf.nn.nce_loss(weights=tf.get_variable("w", [9, 3]), biases=tf.zeros([9]), labels=labels,
                          inputs=tf.ones([4, 3]), num_sampled=2, num_classes=9)
    assert run(loss, {labels: [[1], [2], [3], [8]]}).shape == (4,)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_linear_algebra(dtype):
    random = np.random.RandomState(4)
    a, b = random.randn(2, 3, 3).astype(dtype), random.randn(2, 3, 2).astype(dtype)
    spd = a @ a.transpose(0, 2, 1) + np.eye(3, dtype=dtype)
    close = {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(run(tf.matrix_inverse(a)), np.linalg.inv(a), **close)
    np.testing.assert_allclose(run(tf.matrix_determinant(a)), np.linalg.det(a), **close)
    np.testing.assert_allclose(run(tf.cholesky(spd)), np.linalg.cholesky(spd), **close)
    np.testing.assert_allclose(run(tf.matrix_solve(a, b)), np.linalg.solve(a, b), **close)
    np.testing.assert_allclose(run(tf.matrix_solve(a, b, adjoint=True)),
                               np.linalg.solve(a.transpose(0, 2, 1), b), **close)


def test_gradients_of_linear_algebra():
    random = np.random.RandomState(5)
    a, b = random.randn(2, 3, 3) + 2 * np.eye(3), random.randn(2, 3, 2)
    x, y = tf.placeholder(tf.float64, a.shape), tf.placeholder(tf.float64, b.shape)
    weigh = random.randn(3, 3)
    for total, inputs in (
            (tf.reduce_sum(tf.matrix_inverse(x) * weigh), {x: a}),
            (tf.reduce_sum(tf.square(tf.matrix_determinant(x))), {x: a}),
            (tf.reduce_sum(tf.square(tf.matrix_solve(x, y))), {x: a, y: b}),
            (tf.reduce_sum(tf.square(tf.matrix_solve(x, y, adjoint=True))), {x: a, y: b})):
        with tf.Session() as sess:
            for tensor, value in inputs.items():
                got = sess.run(tf.gradients(total, tensor)[0], inputs)
                for place in np.ndindex(value.shape):
                    step = np.zeros_like(value)
                    step[place] = 1e-6
                    up = sess.run(total, {**inputs, tensor: value + step})
                    down = sess.run(total, {**inputs, tensor: value - step})
                    np.testing.assert_allclose(got[place], (up - down) / 2e-6, rtol=1e-4, atol=1e-5)


def test_the_gradient_of_a_factor():
    random = np.random.RandomState(6)
    a = random.randn(2, 3, 3)
    spd = a @ a.transpose(0, 2, 1) + np.eye(3)
    x = tf.placeholder(tf.float64, a.shape)
    total = tf.reduce_sum(tf.cholesky(x) * random.randn(2, 3, 3))
    with tf.Session() as sess:
        got = sess.run(tf.gradients(total, x)[0], {x: spd})
        np.testing.assert_allclose(got, got.transpose(0, 2, 1))
        for k, i, j in np.ndindex(2, 3, 3):
            step = np.zeros_like(spd)  # of a symmetric matrix
            step[k, i, j] += 0.5e-6
            step[k, j, i] += 0.5e-6
            change = (sess.run(total, {x: spd + step}) - sess.run(total, {x: spd - step})) / 2e-6
            np.testing.assert_allclose(got[k, i, j], change, rtol=1e-4, atol=1e-6)


def test_matrices_that_have_no_such_thing():
    with pytest.raises(tf.errors.InvalidArgumentError, match="not invertible"):
        run(tf.matrix_inverse(np.ones([2, 2])))
    with pytest.raises(tf.errors.InvalidArgumentError, match="not successful"):
        run(tf.cholesky(-np.eye(2)))
    with pytest.raises(ValueError, match="must be equal"):
        tf.matrix_inverse(np.ones([2, 3]))
    with pytest.raises(ValueError, match="rank"):
        tf.matrix_determinant(np.ones([3]))
    assert run(tf.matrix_determinant(np.ones([2, 2]))) == 0
    assert run(tf.matrix_inverse(np.zeros([0, 0]))).shape == (0, 0)


def test_variables_without_values():
    a, b = tf.get_variable("a", initializer=1.0), tf.get_variable("b", initializer=tf.zeros([2]))
    local = tf.Variable(tf.zeros([]), name="c", collections=[tf.GraphKeys.LOCAL_VARIABLES])
    missing, some = tf.report_uninitialized_variables(), tf.report_uninitialized_variables([a])
    there = tf.is_variable_initialized(b)
    with tf.Session() as session:
        assert b"b" in session.run(missing).tolist() and not session.run(there)
        session.run(tf.variables_initializer([a, b]))
        assert session.run([missing, some])[0].tolist() == [b"c"]
        assert session.run(some).size == 0 and session.run(there)
        session.run(local.initializer)
        assert session.run(missing).size == 0


def test_whoever_asks_for_variables_without_values_pulls_none():
    """A table may be large, and a chief's workers ask again and again."""
    with start_server() as target, tf.Session(target) as session:
        w = tf.get_variable("w", [1000], initializer=tf.ones_initializer())
        empty = tf.Variable(tf.random_uniform([2]), name="empty")
        missing, there = tf.report_uninitialized_variables(), tf.is_variable_initialized(w)

        def pulled():
            said = subprocess.check_output([path_of("varscopectl"), "--target", target,
                                            "describe", "w"], text=True)
            return next(line for line in said.splitlines() if "pulled" in line)

        before = pulled()
        for _ in range(3):
            assert session.run(missing).tolist() == [b"empty"] and session.run(there)
        session.run(empty.initializer)
        assert session.run(missing).size == 0
        assert pulled() == before


def test_a_sparse_matrix_times_a_dense_one():
    a = tf.SparseTensor([[0, 0], [1, 2], [1, 0]], [1.0, 2.0, 5.0], [3, 4])
    b = np.arange(8, dtype=np.float32).reshape(4, 2)
    dense = np.array([[1, 0, 0, 0], [5, 0, 2, 0], [0, 0, 0, 0]], np.float32)
    with tf.Session() as session:
        made, other, third = session.run([
            tf.sparse_tensor_dense_matmul(a, b), tf.sparse_tensor_dense_matmul(a, b[:3], True),
            tf.sparse_tensor_dense_matmul(a, b.T, adjoint_b=True)])
    np.testing.assert_array_equal(made, dense @ b)
    np.testing.assert_array_equal(other, dense.T @ b[:3])
    np.testing.assert_array_equal(third, dense @ b)
