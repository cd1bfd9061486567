"""Graphs in files: import_meta_graph gives what the program had that saved them."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

X = np.random.RandomState(0).randn(20, 3).astype(np.float32)
Y = X @ [[1.0], [2.0], [3.0]] + 0.5


def build(optimizer):
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    y = tf.placeholder(tf.float32, [None, 1], name="y")
    training = tf.placeholder_with_default(False, [], name="training")
    with tf.variable_scope("model"):
        hidden = tf.layers.dense(x, 4, tf.nn.tanh)
        hidden = tf.layers.dropout(hidden, 0.0001, training=training, seed=1)
        made = tf.layers.dense(tf.layers.batch_normalization(hidden, training=training), 1)
    made = tf.identity(made, "made")
    loss = tf.reduce_mean(tf.square(made - y), name="loss")
    step = tf.train.get_or_create_global_step()
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train = optimizer.minimize(loss, step, name="train")
    tf.add_to_collection("made", made)
    return train, loss


def steps(session, train, loss, count):
    feed = {"x:0": X, "y:0": Y, "training:0": True}
    feed = {session.graph.get_tensor_by_name(key): value for key, value in feed.items()}
    return [session.run([train, loss], feed)[1] for _ in range(count)]


@pytest.mark.parametrize("optimizer", [
    lambda: tf.train.AdamOptimizer(0.05), lambda: tf.train.MomentumOptimizer(0.05, 0.9),
    lambda: tf.train.RMSPropOptimizer(0.02, centered=True)])
def test_training_goes_on_where_it_was_saved(tmp_path, optimizer):
    train, loss = build(optimizer())
    names = [op.name for op in tf.get_default_graph().get_operations()]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        steps(session, train, loss, 5)
        saver = tf.train.Saver()
        names = [op.name for op in tf.get_default_graph().get_operations()]
        path = saver.save(session, str(tmp_path / "m.ckpt"), 5)
        expected = steps(session, train, loss, 5)
    variables = [v.name for v in tf.global_variables()]
    tf.reset_default_graph()
    saver = tf.train.import_meta_graph(path + ".meta")
    graph = tf.get_default_graph()
    assert {op.name for op in graph.get_operations()} == set(names)
    with tf.Session() as session:
        saver.restore(session, tf.train.latest_checkpoint(str(tmp_path)))
        found = steps(session, graph.get_operation_by_name("train"),
                      graph.get_tensor_by_name("loss:0"), 5)
        assert session.run("global_step:0") == 10
    assert found == pytest.approx(expected, rel=1e-5)
    assert [x.name for x in tf.get_collection("made")] == ["made:0"]
    assert len(tf.trainable_variables()) == 6
    assert [v.name for v in tf.global_variables()] == variables and len(variables) > 9


def test_a_program_writes_the_same_file_again(tmp_path):
    kept, written = [], []
    for name in ("first", "second"):
        tf.reset_default_graph()
        kept.append(tf.get_default_graph())  # so that the next one is elsewhere in memory
        w = tf.get_variable("w", initializer=2.0)
        _, y = tf.while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, y * w), [0, 1.0])
        y += tf.cond(w > 1, lambda: w * 2, lambda: w)
        first, second = tf.train.AdamOptimizer(0.1), tf.train.AdamOptimizer(0.1)
        tf.group(first.minimize(y), second.minimize(w * 2), first.minimize(w * 3), name="train")
        tf.train.export_meta_graph(str(tmp_path / name))
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]
    tf.reset_default_graph()
    tf.train.import_meta_graph(str(tmp_path / "second"))
    graph = tf.get_default_graph()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(graph.get_operation_by_name("train"))
        powers = session.run([v for v in tf.global_variables() if "beta1" in v.name])
    assert powers == pytest.approx([0.9 ** 3, 0.9 ** 2])  # the first has made two steps


def test_a_loop_is_a_loop_again_and_has_gradients(tmp_path):
    x = tf.placeholder(tf.float32, [], name="x")
    w = tf.get_variable("w", initializer=2.0)
    _, y = tf.while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, y * w), [0, x])
    tf.identity(y, "y")
    tf.identity(tf.gradients(y, w)[0], "slope")
    tf.train.export_meta_graph(str(tmp_path / "loop.meta"))
    tf.reset_default_graph()
    tf.train.import_meta_graph(str(tmp_path / "loop.meta"))
    again, = tf.gradients(tf.get_default_graph().get_tensor_by_name("y:0"), tf.global_variables())
    with tf.Session() as session:
        session.run(tf.global_variables()[0].assign(2.0))
        assert session.run(["y:0", "slope:0", again], {"x:0": 3.0}) == [24.0, 36.0, 36.0]


def test_rows_and_collections(tmp_path):
    rows = tf.get_variable("rows", initializer=np.ones((4, 2), np.float32))
    loss = tf.reduce_sum(tf.nn.embedding_lookup(rows, [1, 1, 3]))
    train = tf.train.AdagradOptimizer(1.0).minimize(loss, name="train")
    tf.metrics.mean(loss)
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        session.run(train)
        path = tf.train.Saver().save(session, str(tmp_path / "m"))
        expected = session.run([train, rows])[1]
        expected = session.run(rows)
    tf.reset_default_graph()
    saver = tf.train.import_meta_graph(path + ".meta")
    assert [v.name for v in tf.local_variables()] == ["mean/total:0", "mean/count:0"]
    assert [v.name for v in tf.global_variables()] == ["rows:0", "rows/Adagrad:0"]
    with tf.Session() as session:
        saver.restore(session, path)
        session.run("train")
        np.testing.assert_allclose(session.run("rows:0"), expected, rtol=1e-6)


def test_what_is_not_there_and_what_is_there_twice(tmp_path):
    with pytest.raises(OSError, match="does not exist"):
        tf.train.import_meta_graph(str(tmp_path / "none.meta"))
    tf.constant(1.0, name="c")
    made = tf.train.export_meta_graph()
    with pytest.raises(ValueError, match="'c' is there"):
        tf.train.import_meta_graph(made)
    tf.reset_default_graph()
    assert tf.train.import_meta_graph(made) is None
    with tf.Session() as session:
        assert session.run("c:0") == 1


def test_files_of_checkpoints_that_are_gone_are_gone(tmp_path):
    tf.get_variable("v", initializer=1.0)
    saver = tf.train.Saver(max_to_keep=2)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for step in range(4):
            saver.save(session, str(tmp_path / "m"), step)
        saver.save(session, str(tmp_path / "m"), 9, write_meta_graph=False)
    assert sorted(path.name for path in tmp_path.glob("*.meta")) == ["m-3.meta"]


def test_a_checkpoint_has_global_variables_alone(tmp_path):
    v = tf.get_variable("v", initializer=1.0)
    tf.metrics.mean(v)
    train = tf.train.AdamOptimizer().minimize(tf.square(v))
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        session.run(train)
        path = tf.train.Saver().save(session, str(tmp_path / "m"))
    assert {name for name, _ in tf.train.list_variables(path)} == {
        "v", "v/Adam", "v/Adam_1", "beta1_power", "beta2_power"}


def frozen(tmp_path):
    """A trained model's file, without variables, and what the model makes of X."""
    train, loss = build(tf.train.AdamOptimizer(0.05))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        steps(session, train, loss, 3)
        graph_def = tf.graph_util.convert_variables_to_constants(session, session.graph_def,
                                                                 ["made"])
        expected = session.run("made:0", {"x:0": X})
    with tf.gfile.GFile(str(tmp_path / "frozen.pb"), "wb") as file:
        file.write(graph_def.SerializeToString())
    tf.reset_default_graph()
    return str(tmp_path / "frozen.pb"), expected


def test_a_graph_without_variables_says_the_same(tmp_path):
    path, expected = frozen(tmp_path)
    graph_def = tf.GraphDef()
    with tf.gfile.GFile(path, "rb") as file:
        graph_def.ParseFromString(file.read())
    names = [node.name for node in graph_def.node]
    assert "model/dense/kernel" in names and "loss" not in names and "y" not in names
    tf.import_graph_def(graph_def, name="")
    assert tf.global_variables() == []
    with tf.Session() as session:
        np.testing.assert_allclose(session.run("made:0", {"x:0": X}), expected, rtol=1e-6)


def test_a_graph_below_a_scope_with_given_inputs(tmp_path):
    path, expected = frozen(tmp_path)
    graph_def = tf.GraphDef.FromString(open(path, "rb").read())
    given = tf.constant(X) * 1.0
    made, op = tf.import_graph_def(graph_def, {"x:0": given}, ["made:0", "made"])
    assert made.name == "import/made:0" and op.name == "import/made"
    again, = tf.import_graph_def(graph_def, {"x": given}, ["made:0"])
    assert again.name == "import_1/made:0"
    slope, = tf.gradients(made, given)
    with tf.Session() as session:
        found, second, slope = session.run([made, again, slope])
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(second, expected, rtol=1e-6)
    assert np.abs(slope).sum() > 0


def test_a_graph_as_text(tmp_path):
    tf.add(tf.constant(1.0, name="a"), tf.placeholder(tf.float32, [], name="b"), name="sum")
    path = tf.train.write_graph(tf.get_default_graph().as_graph_def(), str(tmp_path / "x"),
                                "graph.pbtxt")
    text = open(path).read()
    assert 'name: "sum"' in text and 'input: "a"' in text and text.startswith("node {")
    tf.train.write_graph(tf.get_default_graph(), str(tmp_path), "graph.pb", as_text=False)
    with pytest.raises(ValueError, match="this is none"):
        tf.import_graph_def(tf.GraphDef())


def test_a_graph_is_one_object():
    graph = tf.get_default_graph()
    x = tf.constant(1.0)
    assert graph is tf.get_default_graph() is x.graph is x.op.graph
    with tf.Graph().as_default() as other, tf.Session() as session:
        v = tf.Variable(x.graph is other)
        assert v.graph is other is session.graph is tf.get_default_graph() is not graph


def test_a_saver_of_all_variables_by_name_has_their_slots(tmp_path):
    train, loss = build(tf.train.MomentumOptimizer(0.05, 0.9))
    saver = tf.train.Saver(tf.global_variables())
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        steps(session, train, loss, 2)
        path = saver.save(session, str(tmp_path / "m"))
        expected = steps(session, train, loss, 2)
        saver.restore(session, path)
        assert steps(session, train, loss, 2) == pytest.approx(expected, rel=1e-5)
    assert any("Momentum" in name for name, _ in tf.train.list_variables(path))


def test_which_checkpoints_a_folder_says_it_has(tmp_path):
    tf.get_variable("v", initializer=1.0)
    saver, path = tf.train.Saver(), str(tmp_path / "m")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        saver.save(session, path, 1, write_state=False)
        assert tf.train.latest_checkpoint(str(tmp_path)) is None
        saver.save(session, path, 2)
        saver.save(session, path, 3, latest_filename="other")
    assert tf.train.latest_checkpoint(str(tmp_path)) == path + "-2"
    assert tf.train.latest_checkpoint(str(tmp_path), "other") == path + "-3"
