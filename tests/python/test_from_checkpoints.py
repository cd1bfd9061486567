"""Variables that begin as in a checkpoint, graphs without variables, and what Estimators export."""

import numpy as np
import pytest

import varscope.compat.v1 as tf


@pytest.fixture
def checkpoint(tmp_path):
    """Of 'old/w' and 'old/b', and their values."""
    with tf.variable_scope("old"):
        made = [tf.get_variable("w", [2, 3]), tf.get_variable("b", [3])]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / "model"))
        values = session.run(made)
    tf.reset_default_graph()
    return path, values


@pytest.mark.parametrize("of_map", [
    lambda w, b: {"old/": "new/"}, lambda w, b: {"old/w": "new/w", "old/b": "new/b"},
    lambda w, b: {"old/w": w, "old/b": [b]}])
def test_variables_begin_as_in_a_checkpoint(checkpoint, of_map):
    path, values = checkpoint
    with tf.variable_scope("new"):
        own = tf.get_variable("w", [2, 3]), tf.get_variable("b", [3])
    other = tf.get_variable("other", initializer=7.0)
    tf.train.init_from_checkpoint(path, of_map(*own))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(session.run(own[0]), values[0])
        np.testing.assert_array_equal(session.run(own[1]), values[1])
        assert session.run(other) == 7.0
        session.run([own[1].assign([1, 2, 3]), tf.no_op()])
        session.run(tf.global_variables_initializer())
        assert session.run(own[1]).tolist() == [1, 2, 3]


def test_what_others_have_trained_stays(checkpoint, server, monkeypatch):
    path, values = checkpoint
    monkeypatch.setenv("VARSCOPE_SHARING", "replicated")
    for given in ("w", None):
        tf.reset_default_graph()
        with tf.variable_scope("new"):
            w = tf.get_variable("w", [2, 3])
        step = tf.train.GradientDescentOptimizer(1.0).minimize(tf.reduce_sum(w))
        tf.train.init_from_checkpoint(path, {"old/w": w})
        with tf.Session(server) as session:
            session.run(tf.global_variables_initializer())
            if given:
                np.testing.assert_array_equal(session.run(w), values[0])
                session.run(step)
            np.testing.assert_allclose(session.run(w), values[0] - 1.0, rtol=1e-6)


@pytest.mark.parametrize("wrong, text", [
    ({"old/c": "new/w"}, "Tensor old/c is not found"),
    ({"old/w": "new/c"}, "Cannot find variable with name new/c"),
    ({"old/b": "new/w"}, "doesn't match"), ({"old/": "new"}, "scope only"),
    ({"old/": "newer/"}, "No variables found in the scope 'newer/'")])
def test_what_does_not_fit_is_an_error(checkpoint, wrong, text):
    with tf.variable_scope("new"):
        tf.get_variable("w", [2, 3])
    with pytest.raises(ValueError, match=text):
        tf.train.init_from_checkpoint(checkpoint[0], wrong)


def test_some_variables_stay_variables():
    a, b = tf.Variable(1.0, name="a"), tf.Variable(2.0, name="b")
    tf.add(a, b, name="sum")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for given in (dict(variable_names_blacklist=["a"]), dict(variable_names_whitelist=["b"])):
            made = tf.graph_util.convert_variables_to_constants(
                session, tf.get_default_graph().as_graph_def(), ["sum"], **given)
            types = {node.name: node.op for node in made.node}
            assert types["a"] == "VarHandleOp" and types["b"] == "Const"


def model(features, labels, mode):
    made = tf.layers.dense(features["x"], 1, kernel_initializer=tf.ones_initializer())
    outputs = {"sums": tf.estimator.export.PredictOutput({"sum": made[:, 0]})}
    loss = train = None
    if mode != tf.estimator.ModeKeys.PREDICT:
        loss = tf.reduce_mean(tf.square(made[:, 0] - labels))
        train = tf.train.GradientDescentOptimizer(0.0).minimize(
            loss, tf.train.get_or_create_global_step())
    return tf.estimator.EstimatorSpec(mode, {"sum": made[:, 0]}, loss, train,
                                      export_outputs=outputs)


def test_an_estimator_exports(tmp_path):
    inputs = tf.estimator.inputs.numpy_input_fn({"x": np.ones((4, 2), np.float32)},
                                                np.ones(4, np.float32), 2, 1, False)
    receive = tf.estimator.export.build_raw_serving_input_receiver_fn(
        {"x": tf.placeholder(tf.float32, [None, 2])})
    estimator = tf.estimator.Estimator(model, str(tmp_path / "model"))
    with pytest.raises(ValueError, match="Couldn't find trained model"):
        estimator.export_savedmodel(str(tmp_path / "e"), receive)
    _, exported = tf.estimator.train_and_evaluate(
        estimator, tf.estimator.TrainSpec(inputs, max_steps=2),
        tf.estimator.EvalSpec(inputs, exporters=tf.estimator.FinalExporter("last", receive)))
    for folder in (exported[0], estimator.export_savedmodel(str(tmp_path / "e"), receive)):
        with tf.Session(graph=tf.Graph()) as session:
            said = tf.saved_model.loader.load(session, ["serve"], folder.decode())
            signature = said.signature_def["serving_default"]
            x, total = signature.inputs["x"].name, signature.outputs["sum"].name
            assert session.run(total, {x: [[1, 2], [3, 4]]}).tolist() == [3, 7]


def test_an_estimator_of_tpus_without_one(tmp_path):
    tpu, sizes = tf.contrib.tpu, []

    def inputs(params):
        sizes.append(params["batch_size"])
        return tf.data.Dataset.from_tensors(({"x": [[1.0, 2.0]]}, [3.0])).repeat(4)

    def own(features, labels, mode, params):
        made = tf.layers.dense(features["x"], 1, kernel_initializer=tf.ones_initializer())[:, 0]
        if mode == tf.estimator.ModeKeys.PREDICT:
            return tpu.TPUEstimatorSpec(mode=mode, predictions={"sum": made})
        loss = tf.reduce_mean(tf.square(made - labels))
        step = tpu.CrossShardOptimizer(tf.train.GradientDescentOptimizer(0.1)).minimize(
            loss, tf.train.get_or_create_global_step())
        return tpu.TPUEstimatorSpec(
            mode=mode, loss=loss, train_op=step, scaffold_fn=None,
            eval_metrics=(lambda a, b: {"off": tf.metrics.mean_absolute_error(a, b)},
                          [labels, made]))

    config = tpu.RunConfig(model_dir=str(tmp_path), save_checkpoints_steps=2, cluster=None,
                           tpu_config=tpu.TPUConfig(
                               iterations_per_loop=2, num_shards=8,
                               per_host_input_for_training=tpu.InputPipelineConfig.PER_HOST_V2))
    estimator = tpu.TPUEstimator(use_tpu=False, model_fn=own, config=config, train_batch_size=1,
                                 eval_batch_size=2, predict_batch_size=3)
    estimator.train(inputs, max_steps=3)
    assert estimator.evaluate(inputs)["off"] == 0.0
    assert [x["sum"] for x in estimator.predict(inputs)] == [3.0] * 4
    assert sizes == [1, 2, 3]
    with pytest.raises(NotImplementedError, match="use_tpu=False"):
        tpu.TPUEstimator(model_fn=own)
