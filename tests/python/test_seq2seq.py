"""tf.contrib.seq2seq: decoders, helpers and attention, beside the same in NumPy."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

seq2seq = tf.contrib.seq2seq
RANDOM = np.random.RandomState(3)


def value(x, feed=None):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(x, feed)


def cell():
    return tf.nn.rnn_cell.BasicRNNCell(3)


INPUTS = RANDOM.randn(2, 4, 5).astype(np.float32)


@pytest.mark.parametrize("time_major", [False, True])
def test_a_training_decoder_is_dynamic_rnn(time_major):
    given = np.swapaxes(INPUTS, 0, 1) if time_major else INPUTS
    helper = seq2seq.TrainingHelper(tf.constant(given), [4, 2], time_major)
    decoder = seq2seq.BasicDecoder(cell(), helper, tf.zeros([2, 3]))
    with tf.variable_scope("decode"):
        outputs, state, lengths = seq2seq.dynamic_decode(decoder, impute_finished=True)
    assert [v.op.name for v in tf.trainable_variables()] == [
        "decode/decoder/basic_rnn_cell/kernel", "decode/decoder/basic_rnn_cell/bias"]
    with tf.variable_scope("decode/decoder", reuse=True):
        expected = tf.nn.dynamic_rnn(cell(), tf.constant(INPUTS), [4, 2], dtype=tf.float32,
                                     scope=tf.get_variable_scope())
    found = value([outputs, state, lengths, expected])
    np.testing.assert_allclose(found[0].rnn_output, found[3][0], rtol=1e-5)
    np.testing.assert_allclose(found[1], found[3][1], rtol=1e-5)
    assert found[2].tolist() == [4, 2]
    ids = found[0].rnn_output.argmax(-1)
    assert found[0].sample_id[0].tolist() == ids[0].tolist()
    assert found[0].sample_id[1, 2:].tolist() == [0, 0]


def test_a_decoder_learns():
    length = tf.placeholder(tf.int32, [None])
    helper = seq2seq.TrainingHelper(tf.constant(INPUTS), length)
    decoder = seq2seq.BasicDecoder(tf.nn.rnn_cell.LSTMCell(6), helper,
                                   tf.nn.rnn_cell.LSTMCell(6).zero_state(2, tf.float32),
                                   tf.layers.Dense(4))
    outputs, _, _ = seq2seq.dynamic_decode(decoder)
    targets = tf.constant([[1, 2, 3, 0], [3, 1, 0, 2]])
    loss = seq2seq.sequence_loss(outputs.rnn_output, targets, tf.ones([2, 4]))
    train = tf.train.AdamOptimizer(0.05).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        feed = {length: [4, 4]}
        for _ in range(80):
            session.run(train, feed)
        last, ids = session.run([loss, outputs.sample_id], feed)
    assert last < 0.2 and ids.tolist() == [[1, 2, 3, 0], [3, 1, 0, 2]]


class Counter(tf.nn.rnn_cell.RNNCell):
    """Says the number after its input."""

    state_size = 1
    output_size = 6

    def __call__(self, inputs, state, scope=None):
        following = tf.cast(tf.round(inputs[:, 0]), tf.int32) + 1
        return tf.one_hot(following, 6) * 10.0, state


def test_a_greedy_decoder_goes_on_until_the_end():
    rows = tf.constant(np.arange(6, dtype=np.float32)[:, None])
    helper = seq2seq.GreedyEmbeddingHelper(rows, tf.constant([1, 3]), 5)
    decoder = seq2seq.BasicDecoder(Counter(), helper, tf.zeros([2, 1]))
    outputs, _, lengths = value(seq2seq.dynamic_decode(decoder, maximum_iterations=9))
    assert outputs.sample_id[0].tolist() == [2, 3, 4, 5]
    assert outputs.sample_id[1, :2].tolist() == [4, 5]
    assert lengths.tolist() == [4, 2]


def test_a_decoder_stops_after_so_many_steps():
    rows = tf.constant(np.arange(6, dtype=np.float32)[:, None])
    helper = seq2seq.SampleEmbeddingHelper(lambda ids: tf.gather(rows, ids), tf.constant([0]), 5)
    decoder = seq2seq.BasicDecoder(Counter(), helper, tf.zeros([1, 1]))
    outputs, _, lengths = value(seq2seq.dynamic_decode(decoder, maximum_iterations=2,
                                                       output_time_major=True))
    assert outputs.rnn_output.shape == (2, 1, 6) and lengths.tolist() == [2]


def test_a_helper_of_functions():
    helper = seq2seq.CustomHelper(
        lambda: (tf.fill([2], False), tf.zeros([2, 1])),
        lambda time, outputs, state: tf.cast(tf.argmax(outputs, -1), tf.int32),
        lambda time, outputs, state, sample_ids: (
            tf.greater_equal(sample_ids, 3), tf.cast(sample_ids[:, None], tf.float32), state))
    decoder = seq2seq.BasicDecoder(Counter(), helper, tf.zeros([2, 1]))
    outputs, _, lengths = value(seq2seq.dynamic_decode(decoder))
    assert outputs.sample_id.tolist() == [[1, 2, 3]] * 2 and lengths.tolist() == [3, 3]


MEMORY = RANDOM.randn(2, 3, 4).astype(np.float32)
QUERY = RANDOM.randn(2, 4).astype(np.float32)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_luongs_attention():
    mechanism = seq2seq.LuongAttention(4, tf.constant(MEMORY), [3, 2], scale=True)
    looked, _ = mechanism(tf.constant(QUERY), None)
    assert [v.op.name for v in tf.trainable_variables()] == [
        "memory_layer/kernel", "luong_attention/attention_g"]
    found, kernel = value([looked, tf.trainable_variables()[0]])
    memory = MEMORY.copy()
    memory[1, 2] = 0
    score = np.einsum("bd,btd->bt", QUERY, memory @ kernel)
    score[1, 2] = -np.inf
    np.testing.assert_allclose(found, softmax(score), rtol=1e-5)


@pytest.mark.parametrize("normalize", [False, True])
def test_bahdanaus_attention(normalize):
    mechanism = seq2seq.BahdanauAttention(5, tf.constant(MEMORY), normalize=normalize)
    looked, _ = mechanism(tf.constant(QUERY), None)
    variables = {v.op.name: v for v in tf.trainable_variables()}
    assert set(variables) == {"memory_layer/kernel"} | {f"bahdanau_attention/{name}" for name in [
        "query_layer/kernel", "attention_v",
        *(["attention_g", "attention_b"] if normalize else [])]}
    found, values = value([looked, variables])
    v = values["bahdanau_attention/attention_v"]
    if normalize:
        v = np.sqrt(1 / 5) * v / np.sqrt((v**2).sum())
    sums = MEMORY @ values["memory_layer/kernel"] + (
        QUERY @ values["bahdanau_attention/query_layer/kernel"])[:, None]
    np.testing.assert_allclose(found, softmax((v * np.tanh(sums)).sum(-1)), rtol=1e-4)


def test_a_cell_with_attention():
    mechanism = seq2seq.LuongAttention(3, tf.constant(MEMORY))
    wrapped = seq2seq.AttentionWrapper(cell(), mechanism, attention_layer_size=6,
                                       alignment_history=True)
    helper = seq2seq.TrainingHelper(tf.constant(INPUTS), [4, 3])
    first = wrapped.zero_state(2, tf.float32).clone(cell_state=tf.ones([2, 3]))
    decoder = seq2seq.BasicDecoder(wrapped, helper, first)
    outputs, state, _ = seq2seq.dynamic_decode(decoder)
    assert {v.op.name for v in tf.trainable_variables()} == {
        "memory_layer/kernel", "decoder/attention_wrapper/basic_rnn_cell/kernel",
        "decoder/attention_wrapper/basic_rnn_cell/bias",
        "decoder/attention_wrapper/attention_layer/kernel"}
    slopes = tf.gradients(tf.reduce_sum(outputs.rnn_output), tf.trainable_variables())
    made, history, time, slopes = value([outputs.rnn_output, state.alignment_history.stack(),
                                         state.time, slopes])
    assert made.shape == (2, 4, 6) and history.shape == (4, 2, 3) and time == 4
    np.testing.assert_allclose(history.sum(-1), 1, rtol=1e-5)
    assert all(np.abs(slope).sum() > 0 for slope in slopes)


def test_one_step_after_the_other_uses_the_same_variables():
    mechanism = seq2seq.BahdanauAttention(3, tf.constant(MEMORY))
    wrapped = seq2seq.AttentionWrapper(cell(), mechanism)
    state = wrapped.zero_state(2, tf.float32)
    for _ in range(3):
        output, state = wrapped(tf.ones([2, 1]), state)
    assert len(tf.trainable_variables()) == 5 and output.shape.as_list() == [2, 4]


def test_rows_several_times():
    state = tf.nn.rnn_cell.LSTMStateTuple(tf.constant([[1], [2]]), tf.constant([3, 4]))
    tiled = value(seq2seq.tile_batch(state, 2))
    assert tiled.c.tolist() == [[1], [1], [2], [2]] and tiled.h.tolist() == [3, 3, 4, 4]


def test_one_at_the_largest():
    assert value(seq2seq.hardmax(tf.constant([[1.0, 3.0], [2.0, 0.0]]))).tolist() == [
        [0, 1], [1, 0]]


LOGITS = RANDOM.randn(2, 6, 6).astype(np.float32) * 2


class Chain(tf.nn.rnn_cell.RNNCell):
    """Says the logits of the class after its input, of a table of its row's own."""

    state_size = 1
    output_size = 6

    def __call__(self, inputs, state, scope=None):
        row, last = tf.cast(state[:, 0], tf.int32), tf.cast(inputs[:, 0], tf.int32)
        return tf.gather_nd(tf.constant(LOGITS), tf.stack([row, last], 1)), state


def best_sequences(table, start, end, width, steps, weight):
    """Beam search in NumPy: the sequences and their scores, the best first."""
    table = np.log(softmax(table))
    beams = [([], 0.0, False)]
    for _ in range(steps):
        found = []
        for ids, total, done in beams:
            if done:
                found.append((ids, total, True))
                continue
            last = ids[-1] if ids else start
            found += [([*ids, c], total + table[last, c], c == end) for c in range(6)]

        def score(one):
            length = len(one[0]) - (1 if one[2] else 0)
            return one[1] / ((5.0 + length) / 6.0) ** weight

        beams = sorted(found, key=score, reverse=True)[:width]
    return [ids for ids, _, _ in beams]


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_a_beam_search(weight):
    state = seq2seq.tile_batch(tf.constant([[0.0], [1.0]]), 3)
    decoder = seq2seq.BeamSearchDecoder(
        Chain(), lambda ids: tf.cast(ids, tf.float32)[..., None], tf.constant([0, 3]), 5, state, 3,
        length_penalty_weight=weight)
    outputs, last, _ = value(seq2seq.dynamic_decode(decoder, maximum_iterations=4))
    assert outputs.predicted_ids.shape[2] == 3 and last.log_probs.shape == (2, 3)
    for row, start in enumerate([0, 3]):
        for beam, ids in enumerate(best_sequences(LOGITS[row], start, 5, 3, 4, weight)):
            found = outputs.predicted_ids[row, :, beam].tolist()
            assert found[:len(ids)] == ids and set(found[len(ids):]) <= {5}


def test_a_beam_search_with_attention():
    mechanism = seq2seq.LuongAttention(3, seq2seq.tile_batch(tf.constant(MEMORY), 2))
    wrapped = seq2seq.AttentionWrapper(cell(), mechanism, attention_layer_size=4)
    first = wrapped.zero_state(4, tf.float32).clone(
        cell_state=seq2seq.tile_batch(tf.ones([2, 3]), 2))
    decoder = seq2seq.BeamSearchDecoder(wrapped, tf.random_normal([6, 2]), tf.constant([1, 1]), 0,
                                        first, 2, tf.layers.Dense(6))
    outputs, state, lengths = value(seq2seq.dynamic_decode(decoder, maximum_iterations=5))
    steps = outputs.predicted_ids.shape[1]
    assert outputs.predicted_ids.shape == (2, steps, 2) and lengths.shape == (2, 2)
    assert state.cell_state.cell_state.shape == (2, 2, 3) and steps <= 5


def test_beams_that_came_from_other_beams():
    # TensorFlow 2.21's kernel test of GatherTree.
    ids = np.array([[[1, 2, 3]], [[4, 5, 6]], [[7, 8, 9]], [[-1, -1, -1]]], np.int32)
    parents = np.array([[[0, 0, 0]], [[0, 1, 1]], [[2, 1, 2]], [[-1, -1, -1]]], np.int32)
    made = value(seq2seq.gather_tree(ids, parents, tf.constant([3]), 10))
    assert made[:, 0].tolist() == [[2, 2, 2], [6, 5, 6], [7, 8, 9], [10, 10, 10]]
