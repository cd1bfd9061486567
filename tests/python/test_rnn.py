"""Cells and what runs them, by NumPy."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

RANDOM = np.random.RandomState(3)
X = RANDOM.randn(2, 5, 3).astype(np.float32)


def run(fetches, feeds=None):
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run(fetches, feeds)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, kernel, bias, n, c=None, h=None):
    """BasicLSTMCell over [batch, time, depth]."""
    c = np.zeros((len(x), n)) if c is None else c
    h = np.zeros((len(x), n)) if h is None else h
    outputs = []
    for t in range(x.shape[1]):
        i, j, f, o = np.split(np.concatenate([x[:, t], h], 1) @ kernel + bias, 4, 1)
        c = c * sigmoid(f + 1.0) + sigmoid(i) * np.tanh(j)
        h = np.tanh(c) * sigmoid(o)
        outputs.append(h)
    return np.stack(outputs, 1), c, h


@pytest.mark.parametrize("batch", [2, None])
def test_an_lstm_over_sequences(batch):
    x = tf.placeholder(tf.float32, [batch, 5, 3])
    cell = tf.nn.rnn_cell.BasicLSTMCell(4)
    outputs, state = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    assert [v.name for v in tf.trainable_variables()] == [
        "rnn/basic_lstm_cell/kernel:0", "rnn/basic_lstm_cell/bias:0"]
    assert outputs.shape.as_list() == [batch, 5, 4]
    got, last, kernel, bias = run([outputs, state, *tf.trainable_variables()], {x: X})
    expected, c, h = lstm(X, kernel, bias, 4)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(last.c, c, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(last.h, h, rtol=1e-4, atol=1e-5)


def test_static_and_dynamic_are_the_same():
    x = tf.constant(X)
    cell = tf.contrib.rnn.BasicLSTMCell(4)
    with tf.variable_scope("a", reuse=tf.AUTO_REUSE):
        dynamic, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    static, _ = tf.contrib.rnn.static_rnn(cell, [x[:, t] for t in range(5)], dtype=tf.float32)
    a, b = run([dynamic, static])
    np.testing.assert_array_equal(a, np.stack(b, 1))


def test_past_its_end_a_sequence_stays():
    outputs, state = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(4), tf.constant(X), [2, 5],
                                       dtype=tf.float32)
    whole, last = run([outputs, state])
    assert not whole[0, 2:].any() and whole[1, 2:].any()
    np.testing.assert_array_equal(last, [whole[0, 1], whole[1, 4]])


def test_a_gru():
    outputs, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(4), tf.constant(X), dtype=tf.float32)
    names = [v.name for v in tf.trainable_variables()]
    assert names == [f"rnn/gru_cell/{part}:0" for part in (
        "gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")]
    got, gates, gates_bias, candidate, candidate_bias = run([outputs, *tf.trainable_variables()])
    assert (gates_bias == 1).all()
    h = np.zeros((2, 4))
    for t in range(5):
        r, u = np.split(sigmoid(np.concatenate([X[:, t], h], 1) @ gates + gates_bias), 2, 1)
        c = np.tanh(np.concatenate([X[:, t], r * h], 1) @ candidate + candidate_bias)
        h = u * h + (1 - u) * c
        np.testing.assert_allclose(got[:, t], h, rtol=1e-4, atol=1e-5)


def test_cells_one_above_the_other():
    cells = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.BasicRNNCell(4),
                                         tf.nn.rnn_cell.BasicLSTMCell(6)])
    outputs, state = tf.nn.dynamic_rnn(cells, tf.constant(X), dtype=tf.float32)
    assert outputs.shape.as_list() == [2, 5, 6] and len(state) == 2
    assert [v.name for v in tf.trainable_variables()] == [
        "rnn/multi_rnn_cell/cell_0/basic_rnn_cell/kernel:0",
        "rnn/multi_rnn_cell/cell_0/basic_rnn_cell/bias:0",
        "rnn/multi_rnn_cell/cell_1/basic_lstm_cell/kernel:0",
        "rnn/multi_rnn_cell/cell_1/basic_lstm_cell/bias:0"]


def test_a_state_is_fed_back():
    cell = tf.nn.rnn_cell.LSTMCell(4)
    start = cell.zero_state(2, tf.float32)
    x = tf.placeholder(tf.float32, [2, None, 3][:1] + [1, 3])
    outputs, state = tf.nn.dynamic_rnn(cell, x, initial_state=start)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        kernel, bias = sess.run(tf.trainable_variables())
        given = None
        for t in range(5):
            feeds = {x: X[:, t:t + 1]} | ({} if given is None else {start: given})
            got, given = sess.run([outputs, state], feeds)
    expected, _, _ = lstm(X, kernel, bias, 4)
    np.testing.assert_allclose(got[:, 0], expected[:, -1], rtol=1e-4, atol=1e-5)


def test_time_major():
    cell = tf.nn.rnn_cell.BasicRNNCell(4)
    major, _ = tf.nn.dynamic_rnn(cell, tf.constant(X.transpose(1, 0, 2)), dtype=tf.float32,
                                 time_major=True)
    minor, _ = tf.nn.dynamic_rnn(cell, tf.constant(X), dtype=tf.float32)
    a, b = run([major, minor])
    np.testing.assert_array_equal(a.transpose(1, 0, 2), b)


def test_gradients_go_through_all_steps():
    outputs, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.BasicLSTMCell(4), tf.constant(X),
                                   dtype=tf.float32)
    loss = tf.reduce_mean(tf.square(outputs[:, -1] - 0.5))
    step = tf.train.AdamOptimizer(0.1).minimize(loss)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        first = sess.run(loss)
        for _ in range(40):
            sess.run(step)
        assert sess.run(loss) < first / 10


def test_the_loss_of_sequences():
    logits = RANDOM.randn(2, 5, 7).astype(np.float32)
    targets = RANDOM.randint(7, size=(2, 5))
    weights = np.ones((2, 5), np.float32)
    loss = tf.contrib.seq2seq.sequence_loss(tf.constant(logits), tf.constant(targets),
                                            tf.constant(weights))
    e = np.exp(logits)
    p = np.take_along_axis(e / e.sum(-1, keepdims=True), targets[..., None], -1)
    assert run(loss) == pytest.approx(-np.log(p).mean(), rel=1e-4)


class Echo(tf.nn.rnn_cell.RNNCell):
    """Its output is its input; its state counts."""

    state_size = output_size = 4

    def __call__(self, inputs, state, scope=None):
        return inputs, state + 1.0


def dropped(steps=3, **options):
    """What a cell with these drops gives for ones."""
    cell = tf.nn.rnn_cell.DropoutWrapper(Echo(), seed=3, dtype=tf.float32, **options)
    made = tf.nn.dynamic_rnn(cell, tf.ones([2, steps, 4]), dtype=tf.float32)
    with tf.Session() as sess:
        return sess.run(made)


def test_what_is_dropped_differs_from_step_to_step_and_of_input_and_output():
    outputs, _ = dropped(output_keep_prob=.5)
    # TensorFlow's numbers, of the first step: a loop's op draws all of them.
    assert outputs[:, 0].tolist() == [[0, 0, 2, 0], [2, 0, 0, 2]]
    inputs, _ = dropped(input_keep_prob=.5)
    assert len({step.tobytes() for step in np.swapaxes(outputs, 0, 1)}) == 3
    assert inputs[:, 0].tolist() != outputs[:, 0].tolist()


def test_what_is_dropped_is_the_same_in_all_steps_if_a_cell_says_so():
    outputs, _ = dropped(output_keep_prob=.5, variational_recurrent=True)
    assert outputs.tolist() == [[[0, 0, 2, 0]] * 3] * 2
    outputs, state = dropped(input_keep_prob=.5, state_keep_prob=.5, input_size=4,
                             variational_recurrent=True)
    assert (outputs.tolist(), state.tolist()) == ([[[2, 0, 2, 2]] * 3] * 2, [[0, 0, 14, 14]] * 2)
    with pytest.raises(ValueError, match="dtype must be provided"):
        tf.nn.rnn_cell.DropoutWrapper(Echo(), .5, variational_recurrent=True)
    with pytest.raises(ValueError, match="input_size must be provided"):
        tf.nn.rnn_cell.DropoutWrapper(Echo(), .5, variational_recurrent=True, dtype=tf.float32)
    with pytest.raises(ValueError, match="between 0 and 1"):
        tf.nn.rnn_cell.DropoutWrapper(Echo(), output_keep_prob=2.0)


def test_a_loops_steps_take_one_seed_of_the_graph():
    tf.set_random_seed(4)
    cell = tf.nn.rnn_cell.DropoutWrapper(Echo(), output_keep_prob=.5)
    tf.nn.dynamic_rnn(cell, tf.ones([2, 3, 4]), dtype=tf.float32)
    after = tf.get_seed(None)
    assert after == (4, 1)
