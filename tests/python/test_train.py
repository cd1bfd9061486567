"""Optimizers, gradients of the program's own, checkpoints."""

import numpy as np
import pytest

import varscope
import varscope.compat.v1 as tf

OPTIMIZERS = {
    "GradientDescent": lambda: tf.train.GradientDescentOptimizer(0.1),
    "Momentum": lambda: tf.train.MomentumOptimizer(0.05, 0.9, use_nesterov=True),
    "Adagrad": lambda: tf.train.AdagradOptimizer(0.5),
    "Adadelta": lambda: tf.train.AdadeltaOptimizer(60.0),
    "Adam": lambda: tf.train.AdamOptimizer(0.1),
    "RMSProp": lambda: tf.train.RMSPropOptimizer(0.05, centered=True),
    "Ftrl": lambda: tf.train.FtrlOptimizer(0.5),
    "AdamW": lambda: tf.train.AdamWOptimizer(0.0, learning_rate=0.1),
    "LAMB": lambda: tf.train.LAMBOptimizer(0.05),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_lower_a_loss(name):
    w = tf.get_variable("w", [3], initializer=tf.constant_initializer(2.0))
    loss = tf.reduce_sum(tf.square(w - [1.0, 2.5, -1.0]))
    optimizer = OPTIMIZERS[name]()
    train = optimizer.minimize(loss)
    assert train.name == optimizer.get_name() == name
    with tf.Session() as sess:
        before = sess.run(loss)
        for _ in range(100):
            assert sess.run(train) is None
        assert sess.run(loss) < 0.2 * before


def test_gradients_of_the_programs_own():
    w = tf.get_variable("w", [2], initializer=tf.zeros_initializer())
    unused = tf.get_variable("unused", [2])
    optimizer = tf.train.GradientDescentOptimizer(1.0)
    pairs = optimizer.compute_gradients(tf.reduce_sum(w * [1.0, 2.0]))
    assert [variable for _, variable in pairs] == [w, unused] and pairs[1][0] is None
    step = optimizer.apply_gradients([(g * 2 if g is not None else None, v) for g, v in pairs])
    with tf.Session() as sess:
        sess.run(step)
        assert sess.run(w).tolist() == [-2, -4]
    with pytest.raises(ValueError, match="No gradients provided"):
        optimizer.apply_gradients([(None, w)])


def test_what_is_no_variable_is_refused():
    x = tf.constant([1.0])
    with pytest.raises(TypeError, match="Expected a variable"):
        tf.train.GradientDescentOptimizer(1.0).apply_gradients([(x, x)])
    with pytest.raises(TypeError, match="Expected a variable"):
        tf.train.Saver([x])
    with pytest.raises(TypeError, match="Expected a variable"):
        tf.train.AdamOptimizer().minimize(tf.reduce_sum(x), var_list=[x])


def test_a_rate_that_is_fed_and_sparse_gradients():
    table = tf.get_variable("table", [4, 2], initializer=tf.zeros_initializer())
    rate = tf.placeholder(tf.float32, [])
    rows = tf.placeholder(tf.int64, [None])
    step = tf.train.GradientDescentOptimizer(rate).minimize(
        tf.reduce_sum(tf.nn.embedding_lookup(table, rows)))
    with tf.Session() as sess:
        sess.run(step, {rate: 0.5, rows: [1, 3, 3]})
        assert sess.run(table).tolist() == [[0, 0], [-0.5, -0.5], [0, 0], [-1, -1]]


@pytest.mark.parametrize("strategy, looked_up", [("mod", [1, 4, 2, 5, 3]), ("div", [1, 2, 3, 4, 5])])
def test_a_table_in_parts_is_trained_by_rows(strategy, looked_up):
    table = tf.get_variable("table", [5, 1], initializer=tf.zeros_initializer(),
                            partitioner=tf.fixed_size_partitioner(2))
    parts = list(table)
    values = [parts[0].assign([[1.0], [2.0], [3.0]]), parts[1].assign([[4.0], [5.0]])]
    for params in (table, parts):
        rows = tf.nn.embedding_lookup(params, [0, 1, 2, 3, 4], partition_strategy=strategy)
        assert rows.shape == (5, 1)
        loss = tf.reduce_sum(tf.nn.embedding_lookup(params, [2, 2], strategy))
        gradients = tf.gradients(loss, parts)
        assert [type(gradient) for gradient in gradients] == [tf.IndexedSlices] * 2
        step = tf.train.FtrlOptimizer(0.1).minimize(loss)
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            sess.run(values)
            assert sess.run(rows).ravel().tolist() == looked_up
            sess.run(step)
            after = np.concatenate([part.ravel() for part in sess.run(parts)])
        changed = 1 if strategy == "mod" else 2
        assert after[changed] != changed + 1
        assert np.delete(after, changed).tolist() == np.delete(np.arange(1.0, 6.0), changed).tolist()


def test_other_shards_and_strategies():
    shards = [tf.constant([[1.0], [3.0]]), tf.constant([[2.0]])]
    with tf.Session() as sess:
        assert sess.run(tf.nn.embedding_lookup(shards, [[0, 1], [2, 1]])).tolist() == [
            [[1], [2]], [[3], [2]]]
    with pytest.raises(ValueError, match="Unrecognized partition strategy: rows"):
        tf.nn.embedding_lookup(shards, [0], partition_strategy="rows")
    with pytest.raises(ValueError, match="Need at least one param"):
        tf.nn.embedding_lookup([], [0])


def test_push_options():
    w = tf.get_variable("w", [2], initializer=tf.zeros_initializer())
    optimizer = tf.train.GradientDescentOptimizer(1.0).push_options(clip_value=0.5)
    step = optimizer.minimize(tf.reduce_sum(w * [3.0, -2.0]))
    with tf.Session() as sess:
        sess.run(step)
        assert sess.run(w).tolist() == [-0.5, 0.5]


@pytest.mark.parametrize("ending", ["", ".npz", ".safetensors"])
def test_saver(tmp_path, ending):
    w = tf.get_variable("w", [2], initializer=tf.ones_initializer())
    step = tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(w))
    saver = tf.train.Saver(max_to_keep=2)
    with tf.Session() as sess:
        sess.run(step)
        saved = sess.run(w)
        paths = [saver.save(sess, str(tmp_path / f"model{ending}"), global_step=n)
                 for n in range(3)]
        assert saver.last_checkpoints == paths[1:]
        assert tf.train.latest_checkpoint(str(tmp_path)) == paths[2]
        sess.run(step)
        assert (sess.run(w) != saved).all()
        saver.restore(sess, paths[2])
        np.testing.assert_array_equal(sess.run(w), saved)
        with pytest.raises(tf.errors.NotFoundError):
            saver.restore(sess, paths[0])
        tf.train.Saver({"other": w}).save(sess, str(tmp_path / "other.npz"))
        assert list(np.load(tmp_path / "other.npz")) == ["other"]
    assert tf.train.latest_checkpoint(str(tmp_path / "nothing")) is None


def test_a_classifier_learns():
    random = np.random.default_rng(7)
    centers = np.eye(3, 5, dtype=np.float32) * 6
    labels = random.integers(0, 3, 300)
    features = centers[labels] + random.normal(size=(300, 5)).astype(np.float32)
    x = tf.placeholder(tf.float32, [None, 5])
    y = tf.placeholder(tf.int32, [None])
    with tf.variable_scope("hidden"):
        hidden = tf.nn.relu(tf.matmul(x, tf.get_variable("w", [5, 16])) +
                            tf.get_variable("b", [16], initializer=tf.zeros_initializer()))
    with tf.variable_scope("out"):
        logits = tf.matmul(hidden, tf.get_variable("w", [16, 3]))
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), tf.cast(y, tf.int64)),
                                      tf.float32))
    train = tf.train.AdamOptimizer(0.01).minimize(loss)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(200):
            sess.run(train, {x: features, y: labels})
        assert sess.run(accuracy, {x: features, y: labels}) > 0.95


def test_two_graphs_train_one_variable(server):
    programs = []
    for _ in range(2):
        with tf.Graph().as_default() as graph:
            sess = tf.Session(server, config=varscope.ConnectOptions(sharing="replicated"))
            w = tf.get_variable("w", [1], initializer=tf.zeros_initializer())
            step = tf.train.GradientDescentOptimizer(1.0).minimize(tf.reduce_sum(w))
            programs.append((graph, sess, w, step))
    for _, sess, _, step in programs * 3:
        sess.run(step)
    assert [sess.run(w).tolist() for _, sess, w, _ in programs] == [[-6], [-6]]


def test_a_saver_makes_its_folder(tmp_path):
    v = tf.get_variable("v", initializer=3.0)
    path = tmp_path / "new" / "inside" / "model"
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        saved = tf.train.Saver().save(sess, str(path))
        sess.run(v.assign(0.0))
        tf.train.Saver().restore(sess, saved)
        assert sess.run(v) == 3


class SignOfGradients(tf.train.Optimizer):
    """A rule of a program's own."""

    def __init__(self, rate, use_locking=False, name="Sign"):
        super().__init__(use_locking, name)
        self._rate = rate

    def _prepare(self):
        self._tensor = tf.convert_to_tensor(self._rate)

    def _create_slots(self, var_list):
        for variable in var_list:
            self._zeros_slot(variable, "last", self._name)

    def _apply_dense(self, grad, var):
        last = self.get_slot(var, "last")
        return tf.group(var.assign_sub(self._tensor * tf.sign(grad)), last.assign(grad))


def test_an_optimizer_of_a_programs_own():
    v, other = tf.Variable([1.0, -2.0]), tf.Variable([[1.0], [2.0]])
    step = tf.train.get_or_create_global_step()
    optimizer = SignOfGradients(0.5)
    loss = tf.reduce_sum(v * v) + tf.reduce_sum(tf.gather(other, [1]))
    train = optimizer.minimize(loss, global_step=step)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        found, rows, count, last = session.run([v, other, step, optimizer.get_slot(v, "last")])
    assert found.tolist() == [0.5, -1.5] and rows.tolist() == [[1], [1.5]]
    assert count == 1 and last.tolist() == [2, -4] and optimizer.get_slot_names() == ["last"]
    assert optimizer.get_slot(v, "last").op.name == v.op.name + "/Sign"
    with pytest.raises(ValueError, match="No gradients"):
        optimizer.apply_gradients([(None, v)])
