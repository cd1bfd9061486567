"""What parts of TensorFlow 1 programs do, with the values that TensorFlow 2.21 gave for them."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

X = np.float32([[1, 2], [3, 4]])


def run(fetches, feeds=None):
    with tf.Session() as sess:
        sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        return sess.run(fetches, feeds)


def test_layers_take_names_for_activations_and_initializers():
    y = tf.layers.dense(tf.constant(X), 3, activation="relu", kernel_initializer="ones")
    np.testing.assert_allclose(run(y), [[3, 3, 3], [7, 7, 7]])
    image = tf.layers.conv2d(tf.ones([1, 2, 2, 1]), 1, 2, activation="tanh",
                             kernel_initializer="zeros")
    assert run(image).ravel() == [0]
    assert tf.nn.rnn_cell.BasicRNNCell(2, activation="relu")._activation is not None
    with pytest.raises(ValueError, match="Unknown activation: 'nope'"):
        tf.layers.dense(tf.constant(X), 3, activation="nope")


def test_a_layers_activity_has_a_regularizer():
    half = tf.constant_initializer(.5)
    y = tf.layers.dense(tf.constant(X), 3, kernel_initializer=half, activity_regularizer=tf.reduce_sum)
    assert y.shape.as_list() == [2, 3]
    assert run(tf.losses.get_regularization_losses()) == [7.5]


def test_layer_objects_say_what_they_are():
    layer = tf.layers.Dense(4, name="fc", kernel_regularizer=tf.nn.l2_loss)
    assert (layer.name, layer.built, layer.losses) == ("fc", False, [])
    with pytest.raises(ValueError, match="isn't built"):
        layer.count_params()
    with tf.variable_scope("a"):
        layer(tf.constant(X))
    assert (layer.name, layer.built, layer.count_params(), len(layer.losses)) == ("fc", True, 12, 1)
    other = tf.layers.Conv2D(2, 3)
    other(tf.ones([1, 3, 3, 1]))
    assert (other.name, other.count_params()) == ("conv2d", 20)
    assert tf.nn.rnn_cell.LSTMCell(2).name == "lstm_cell"


def test_flatten_of_several_unknown_dimensions():
    x = tf.placeholder(tf.float32, [None, None, 3])
    y = tf.layers.flatten(x)
    assert str(y.shape) == "(?, ?)"
    assert run(y, {x: np.zeros((2, 2, 3))}).shape == (2, 6)


def test_windows_and_strides_in_every_form():
    x = tf.reshape(tf.range(16.0), [1, 4, 4, 1])
    for two in (2, [2], [2, 2], [1, 2, 2, 1]):
        assert run(tf.nn.max_pool(x, two, two, "SAME")).ravel().tolist() == [5, 7, 13, 15]
        assert run(tf.nn.conv2d(x, tf.ones([1, 1, 1, 1]), two, "SAME")).ravel().tolist() == [0, 2, 8, 10]
    assert run(tf.nn.conv2d(x, tf.ones([2, 2, 1, 1]), padding="VALID")).shape == (1, 3, 3, 1)
    with pytest.raises(ValueError, match="images need one number"):
        tf.nn.max_pool(x, [1, 2, 2], 2, "SAME")
    with pytest.raises(ValueError, match="give the padding"):
        tf.nn.conv2d(x, tf.ones([2, 2, 1, 1]), 1)


def test_causal_convolutions_see_nothing_that_comes_after():
    x = tf.reshape(tf.range(4.0), [1, 4, 1])
    y = tf.layers.conv1d(x, 1, 2, padding="causal", kernel_initializer=tf.ones_initializer())
    assert run(y).ravel().tolist() == [0, 1, 3, 5]


def test_the_shape_of_a_transposed_convolution_is_known_in_part():
    x = tf.placeholder(tf.float32, [None, 5, 5, 2])
    shape = tf.stack([tf.shape(x)[0], 10, 10, 3])
    y = tf.nn.conv2d_transpose(x, tf.ones([2, 2, 3, 2]), shape, [1, 2, 2, 1])
    assert y.shape.as_list() == [None, 10, 10, 3]


def test_a_constant_initializer_of_few_numbers_repeats_the_last():
    w = tf.get_variable("w", [3], initializer=tf.constant_initializer([1.0, 2.0]))
    assert run(w).tolist() == [1, 2, 2]
    with pytest.raises(ValueError, match="2 values"):
        tf.get_variable("v", [3], initializer=tf.constant_initializer([1.0, 2.0], verify_shape=True))


def test_gradients_with_one_tensor_to_stop_at():
    x, y = tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0])
    dx, dy = run(tf.gradients(x * y * x, [x, y], stop_gradients=x))
    assert (dx.tolist(), dy.tolist()) == ([6, 16], [1, 4])


def test_gradients_of_what_is_not_connected():
    x, y = tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0])
    assert tf.gradients(x, y) == [None]
    for zero in ("zero", tf.UnconnectedGradients.ZERO):
        assert run(tf.gradients(x, y, unconnected_gradients=zero))[0].tolist() == [0, 0]
    with pytest.raises(ValueError, match="'none' or 'zero'"):
        tf.gradients(x, y, unconnected_gradients="zeros")


def test_clipping_by_a_norm_that_is_known_and_by_the_mean_norm():
    x, y = tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0])
    clipped, norm = tf.clip_by_global_norm([x, None, y], 1.0, use_norm=tf.constant(2.0))
    assert clipped[1] is None
    a, b, n = run([clipped[0], clipped[2], norm])
    assert (a.tolist(), b.tolist(), n) == ([.5, 1], [1.5, 2], 2)
    np.testing.assert_allclose(run(tf.clip_by_average_norm(x, .1)), [.0894427, .1788854], rtol=1e-5)


def test_decays_that_begin_again():
    step = tf.placeholder(tf.int32, [])
    rates = [tf.train.polynomial_decay(.1, step, 4, .01, cycle=True),
             tf.train.cosine_decay_restarts(.1, step, 3), tf.train.linear_cosine_decay(.1, step, 10)]
    with tf.Session() as sess:
        found = [sess.run(rates, {step: n}) for n in (0, 3, 6, 9)]
    np.testing.assert_allclose(found, [
        [.1, .1, .1001], [.0325, .1, .0556725], [.0325, .05, .0139197],
        [.0325, .1, .000344717]], atol=1e-6)


def test_rows_of_a_known_number_make_as_many():
    x, m = tf.constant([1.0, 2.0, 3.0]), tf.constant(X)
    assert tf.scan(lambda a, b: a + b, x).shape.as_list() == [3]
    assert tf.map_fn(lambda a: a * 2, m).shape.as_list() == [2, 2]
    y = tf.map_fn(lambda a: a + 1, np.array([1, 2]), back_prop=False)
    assert run(y).tolist() == [2, 3]
    assert tf.gradients(tf.scan(lambda a, b: a + b, x, back_prop=False), x) == [None]


def test_a_loop_returns_the_form_that_its_body_does():
    def twice(i, a):
        return i + 1, a * 2

    made = tf.while_loop(lambda i, a: i < 3, twice, [tf.constant(0), tf.constant(1.0)])
    assert isinstance(made, tuple)
    made = tf.while_loop(lambda i, a: i < 3, lambda i, a: list(twice(i, a)),
                         [tf.constant(0), tf.constant(1.0)])
    assert isinstance(made, list)


def test_more_indices_than_dimensions():
    with pytest.raises(ValueError, match="has only 2 dims"):
        tf.constant(X)[0, 0, 0]


def test_masks_and_gathers_along_other_axes():
    x = tf.reshape(tf.range(12), [2, 3, 2])
    masked = tf.boolean_mask(x, [True, False, True], axis=1)
    assert run(masked).tolist() == [[[0, 1], [4, 5]], [[6, 7], [10, 11]]]
    assert run(tf.batch_gather(tf.constant([[1, 2], [3, 4]]), [[0], [1]])).tolist() == [[1], [4]]
    assert run(tf.batch_gather(x, [[2, 0], [1, 1]])).tolist() == [
        [[4, 5], [0, 1]], [[8, 9], [8, 9]]]
    for outside in ([[0], [2]], [[2], [0]], [[0], [-1]]):
        with pytest.raises(tf.errors.InvalidArgumentError, match="an_index_is_out_of_range"):
            run(tf.batch_gather(tf.constant([[1, 2], [3, 4]]), outside))
    nothing = tf.batch_gather(tf.constant([[1, 2], [3, 4]]), np.zeros([2, 0], np.int32))
    assert run(nothing).shape == (2, 0)
    assert run(tf.repeat([1, 2], 2)).tolist() == [1, 1, 2, 2]
    assert run(tf.repeat([[1, 2]], 2, axis=0)).tolist() == [[1, 2], [1, 2]]


def test_products_of_batches_with_one_matrix():
    x = tf.ones([2, 2, 3])
    y = tf.matmul(x, tf.ones([3, 1]))
    assert y.shape.as_list() == [2, 2, 1] and run(y).ravel().tolist() == [3, 3, 3, 3]
    some = tf.placeholder(tf.float32, [None, 2, 3])
    assert run(tf.matmul(tf.ones([4, 2]), some), {some: np.ones((3, 2, 3))}).shape == (3, 4, 3)
    assert run(tf.einsum("...ij,jk->...ik", tf.constant(X)[None], tf.constant(X))).tolist() == [
        [[7, 10], [15, 22]]]
    assert run(tf.linalg.matvec(tf.constant(X), [1.0, 2.0])).tolist() == [5, 11]
    assert run(tf.matmul(X, X.astype(np.float64))).dtype == np.float32


def test_numbers_take_the_dtype_of_those_beside_them():
    assert run(tf.stack([1, 2.0])).dtype == np.float32
    assert run(tf.where([True, False], [1.0, 2.0], [3, 4])).tolist() == [1, 4]
    assert tf.range(0, 1, .25).shape.as_list() == [4]


def test_rows_know_the_shape_of_their_whole():
    e = tf.Variable(np.ones((4, 2), np.float32))
    rows = run(tf.gradients(tf.gather(e, [0, 1, 0]), e))[0]
    assert rows.dense_shape.tolist() == [4, 2]
    assert run(tf.IndexedSlices(tf.constant([[1.0]]), tf.constant([2]))).dense_shape is None
    assert run(b"Const:0") == 1.0


def test_a_session_takes_a_graph():
    with pytest.raises(TypeError, match='must be a tf.Graph, but got "int"'):
        tf.Session(graph=1)


def test_a_batch_of_one_tensor_is_a_tensor():
    batch = tf.train.batch([tf.constant(3)], batch_size=2)
    assert batch.shape.as_list() == [2]
    assert isinstance(tf.train.shuffle_batch({"a": tf.constant(3)}, 2, 10, 5), dict)


def test_messages_say_which_fields_they_have():
    value = tf.Summary.Value(tag="a", simple_value=1.0)
    assert value.HasField("simple_value") and not value.HasField("histo")
    assert value.WhichOneof("value") == "simple_value"
    with pytest.raises(ValueError, match='no "nope" field'):
        value.HasField("nope")
    text = run(tf.summary.histogram("h", tf.ones([3])))
    assert tf.Summary.FromString(text).value[0].histo.num == 3.0
    image = run(tf.summary.image("i", tf.ones([1, 2, 3, 1])))
    assert tf.Summary.FromString(image).value[0].image.width == 3


def test_classes_that_were_drawn_elsewhere_may_be_a_plain_tuple():
    drawn = (tf.constant([0, 3, 4], tf.int64), tf.ones([2, 1]) * .5, tf.ones([3]) * .3)
    for loss in (tf.nn.nce_loss, tf.nn.sampled_softmax_loss):
        made = loss(weights=tf.ones([5, 2]), biases=tf.zeros([5]), labels=tf.constant([[1], [2]]),
                    inputs=tf.constant(X), num_sampled=3, num_classes=5, sampled_values=drawn)
        assert run(made).shape == (2,)


def test_rows_of_data_sets_are_as_many():
    slices = tf.data.Dataset.from_tensor_slices
    with pytest.raises(ValueError, match=r"dimensions \[2, 3\] are not compatible"):
        slices(([1, 2], [1, 2, 3]))
    with pytest.raises(ValueError, match="from_tensors takes it"):
        slices(5)


def test_data_sets_of_texts_and_fillings_by_constants():
    lines = tf.data.Dataset.from_tensor_slices(["a b", "c"])
    words = lines.map(lambda line: tf.string_split([line]).values)
    step = words.make_one_shot_iterator().get_next()
    with tf.Session() as sess:
        assert sess.run(step).tolist() == [b"a", b"b"]
    ones = tf.data.Dataset.range(3).map(lambda n: tf.ones([n], tf.int64))
    filled = ones.padded_batch(3, [3], padding_values=tf.constant(9, tf.int64))
    assert run(filled.make_one_shot_iterator().get_next()).tolist() == [
        [9, 9, 9], [1, 9, 9], [1, 1, 9]]


def test_what_events_have():
    event = tf.Event.FromString(tf.Event(step=3, file_version="brain.Event:2").SerializeToString())
    assert not event.HasField("summary") and event.HasField("file_version")
    assert list(event.summary.value) == []


def test_operators_refuse_two_dtypes():
    x, k = tf.constant(X), tf.constant([1, 2])
    for mixed in (lambda: x + k, lambda: k + x, lambda: x * tf.cast(x, tf.float64), lambda: x < k):
        with pytest.raises(TypeError, match="tf.cast"):
            mixed()
    with pytest.raises(ValueError, match="Dimensions must be equal"):
        x + tf.ones([3])


def test_printing_of_lists_and_ops():
    x = tf.placeholder(tf.float32, [None, 2], "x")
    assert repr([x]) == "[<tf.Tensor 'x:0' shape=(?, 2) dtype=float32>]"
    with tf.control_dependencies([tf.no_op("first")]):
        y = tf.negative(x, name="y")
    assert str(y.op) == 'name: "y"\nop: "Neg"\ninput: "x"\ninput: "^first"\n'
    assert repr(y.op) == "<tf.Operation 'y' type=Neg>"


def test_the_limits_of_dtypes():
    assert (tf.int32.min, tf.int32.max, tf.uint8.max) == (-2**31, 2**31 - 1, 255)
    assert tf.float32.max == np.finfo(np.float32).max
    with pytest.raises(TypeError, match="Cannot find minimum"):
        tf.bool.min
    with pytest.raises(TypeError, match="Cannot find maximum"):
        tf.bool.max
