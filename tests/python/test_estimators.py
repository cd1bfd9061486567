"""tf.estimator: training, evaluating and predicting, with checkpoints between them."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

X = np.linspace(-1, 1, 40).astype(np.float32)[:, None]
Y = 3 * X - 1


def model(features, labels, mode, params):
    w = tf.get_variable("w", [1, 1], initializer=tf.zeros_initializer())
    b = tf.get_variable("b", [1], initializer=tf.zeros_initializer())
    made = tf.matmul(features["x"], w) + b
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.estimator.EstimatorSpec(mode, {"y": made, "negative": made < 0})
    loss = tf.losses.mean_squared_error(labels, made)
    train = tf.train.GradientDescentOptimizer(params["rate"]).minimize(
        loss, tf.train.get_global_step())
    metrics = {"error": tf.metrics.mean_absolute_error(labels, made)}
    return tf.estimator.EstimatorSpec(mode, made, loss, train, metrics)


def inputs(epochs=1, shuffle=False, batch_size=10):
    return tf.estimator.inputs.numpy_input_fn({"x": X}, Y, batch_size, epochs, shuffle)


@pytest.fixture
def estimator(tmp_path):
    config = tf.estimator.RunConfig(tf_random_seed=1, save_summary_steps=10)
    return tf.estimator.Estimator(model, str(tmp_path / "model"), config, {"rate": 0.3})


def test_it_learns_and_says_so(estimator):
    before = estimator.evaluate(inputs())
    assert before["global_step"] == 0 and before["loss"] == pytest.approx(np.mean(Y**2), rel=1e-5)
    assert estimator.train(inputs(None, True), steps=100) is estimator
    after = estimator.evaluate(inputs())
    assert after["global_step"] == 100 and after["loss"] < 1e-4 and after["error"] < 0.01
    assert estimator.get_variable_value("w") == pytest.approx(np.array([[3]]), abs=0.05)
    assert set(estimator.get_variable_names()) == {"w", "b", "global_step"}


def test_training_goes_on_where_it_stopped(estimator):
    estimator.train(inputs(), steps=3)
    estimator.train(inputs(None), steps=2)
    assert estimator.latest_checkpoint().endswith("model.ckpt-5")
    estimator.train(inputs(None), max_steps=9)
    estimator.train(inputs(None), max_steps=7)
    assert estimator.latest_checkpoint().endswith("model.ckpt-9")


def test_training_ends_with_the_data(estimator):
    estimator.train(inputs(2))
    assert estimator.latest_checkpoint().endswith("model.ckpt-8")


def test_predictions_come_one_by_one(estimator):
    estimator.train(inputs(None), steps=60)
    found = list(estimator.predict(inputs()))
    assert len(found) == 40 and set(found[0]) == {"y", "negative"}
    assert np.array([one["y"] for one in found]) == pytest.approx(Y, abs=0.1)
    batches = list(estimator.predict(inputs(), predict_keys="y", yield_single_examples=False))
    assert [len(batch["y"]) for batch in batches] == [10] * 4 and set(batches[0]) == {"y"}


def test_evaluating_some_batches(estimator):
    estimator.train(inputs(None), steps=1)
    some = estimator.evaluate(inputs(), steps=2, name="some")
    assert some["global_step"] == 1
    assert some["loss"] != pytest.approx(estimator.evaluate(inputs())["loss"])


def test_a_data_set_as_input(estimator):
    def data():
        return tf.data.Dataset.from_tensor_slices(({"x": X}, Y)).repeat(3).batch(20)

    estimator.train(data)
    assert estimator.latest_checkpoint().endswith("model.ckpt-6")


def test_train_and_evaluate(estimator):
    found, _ = tf.estimator.train_and_evaluate(
        estimator, tf.estimator.TrainSpec(inputs(None), 50), tf.estimator.EvalSpec(inputs(), None))
    assert found["global_step"] == 50 and found["loss"] < 0.01


def test_batches_follow_each_other_over_epochs():
    features, labels = tf.estimator.inputs.numpy_input_fn(
        {"a": np.arange(5), "b": np.arange(5) * 2}, np.arange(5) * 3, 3, 2, False)()
    with tf.Session() as session:
        rows = []
        with pytest.raises(tf.errors.OutOfRangeError):
            while True:
                batch, its = session.run([features, labels])
                assert (batch["b"] == 2 * batch["a"]).all() and (its == 3 * batch["a"]).all()
                rows.append(batch["a"].tolist())
    assert rows == [[0, 1, 2], [3, 4, 0], [1, 2, 3], [4]]


def test_what_is_wrong_is_said():
    with pytest.raises(ValueError, match="Missing loss"):
        tf.estimator.EstimatorSpec(tf.estimator.ModeKeys.EVAL)
    with pytest.raises(ValueError, match="Missing train_op"):
        tf.estimator.EstimatorSpec(tf.estimator.ModeKeys.TRAIN, loss=tf.constant(1.0))
    with pytest.raises(ValueError, match="shuffle must be provided"):
        tf.estimator.inputs.numpy_input_fn({"x": X}, Y)
    with pytest.raises(ValueError, match="mismatched"):
        tf.estimator.inputs.numpy_input_fn({"x": X}, Y[:3], shuffle=False)


def test_checkpoints_are_read_without_a_session(tmp_path):
    v = tf.get_variable("v", initializer=np.arange(6, dtype=np.float64).reshape(2, 3))
    tf.get_variable("s/n", initializer=7)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / "m.ckpt"), 4)
    assert tf.train.list_variables(str(tmp_path)) == [("s/n", []), ("v", [2, 3])]
    assert tf.train.load_variable(path, "v").tolist() == [[0, 1, 2], [3, 4, 5]]
    reader = tf.train.NewCheckpointReader(path)
    assert reader.has_tensor("s/n") and reader.get_tensor("s/n") == 7
    assert reader.get_variable_to_dtype_map()["v"] == v.dtype
    with pytest.raises(tf.errors.NotFoundError):
        reader.get_tensor("w")


def columns():
    words = tf.feature_column.categorical_column_with_vocabulary_list("word", ["a", "b", "c"])
    number = tf.feature_column.numeric_column("number")
    return [
        number, tf.feature_column.indicator_column(words),
        tf.feature_column.bucketized_column(number, [0.0, 1.0]),
        tf.feature_column.embedding_column(
            tf.feature_column.categorical_column_with_identity("kind", 4), 2),
        tf.feature_column.numeric_column("pair", [2], normalizer_fn=lambda x: x / 2)]


FEATURES = {"number": np.array([-1.0, 0.0, 3.0]), "word": np.array(["c", "x", "a"]),
            "kind": np.array([3, 0, 3]), "pair": np.array([[2.0, 4.0], [6.0, 8.0], [0.0, 1.0]])}


def test_columns_side_by_side():
    net = tf.feature_column.input_layer({key: tf.constant(x) for key, x in FEATURES.items()},
                                        columns())
    rows, = tf.trainable_variables()
    assert rows.op.name == "input_layer/kind_embedding/embedding_weights"
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found, weights = session.run([net, rows])
    # kind_embedding, number, number_bucketized, pair, word_indicator
    np.testing.assert_allclose(found[:, :2], weights[[3, 0, 3]])
    assert found[:, 2:].tolist() == [[-1, 1, 0, 0, 1, 2, 0, 0, 1], [0, 0, 1, 0, 3, 4, 0, 0, 0],
                                     [3, 0, 0, 1, 0, 0.5, 1, 0, 0]]


def test_a_category_is_no_number():
    words = tf.feature_column.categorical_column_with_vocabulary_list("word", ["a"])
    with pytest.raises(ValueError, match="dense column"):
        tf.feature_column.input_layer({"word": tf.constant(["a"])}, [words])


@pytest.mark.parametrize("classes", [2, 3])
def test_a_made_classifier(tmp_path, classes):
    labels = np.clip(((X[:, 0] + 1) * classes / 2).astype(int), 0, classes - 1)
    made = tf.estimator.DNNClassifier(
        [16], [tf.feature_column.numeric_column("x", [1])], str(tmp_path), classes,
        optimizer=tf.train.AdamOptimizer(0.05), config=tf.estimator.RunConfig(tf_random_seed=2))
    give = tf.estimator.inputs.numpy_input_fn
    made.train(give({"x": X}, labels, 40, None, True), steps=300)
    found = made.evaluate(give({"x": X}, labels, 40, shuffle=False))
    assert found["accuracy"] > 0.9 and found["loss"] == pytest.approx(40 * found["average_loss"],
                                                                     rel=1e-4)
    if classes == 2:
        assert found["auc"] > 0.95 and found["label/mean"] == pytest.approx(labels.mean())
    first = next(made.predict(give({"x": X}, shuffle=False)))
    assert first["classes"][0] == b"0" and first["class_ids"] == [0]
    assert first["probabilities"].shape == (classes,)
    assert "dnn/hiddenlayer_0/kernel" in made.get_variable_names()


def test_a_made_regressor(tmp_path):
    made = tf.estimator.DNNRegressor([8], [tf.feature_column.numeric_column("x")], str(tmp_path),
                                     optimizer=lambda: tf.train.AdamOptimizer(0.05))
    give = tf.estimator.inputs.numpy_input_fn
    made.train(give({"x": X}, Y, 40, None, True), steps=300)
    found = made.evaluate(give({"x": X}, Y, 40, shuffle=False))
    assert found["average_loss"] < 0.05
    first = next(made.predict(give({"x": X}, shuffle=False)))
    assert first["predictions"] == pytest.approx(Y[0], abs=0.5)


def test_the_area_under_a_curve():
    # TensorFlow 2.21's compat.v1.
    truth, share = [0, 0, 1, 1, 1], [0.1, 0.4, 0.35, 0.8, 0.8]
    roc, more = tf.metrics.auc(truth, share)
    precise, again = tf.metrics.auc(truth, share, curve="PR")
    root, third = tf.metrics.root_mean_squared_error([1.0, 2.0], [1.0, 4.0])
    counts = [kind([0, 1, 1, 0, 1], [1, 1, 0, 0, 1]) for kind in (
        tf.metrics.true_positives, tf.metrics.false_positives, tf.metrics.true_negatives,
        tf.metrics.false_negatives)]
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        session.run([more, again, third, [update for _, update in counts]])
        values = session.run([roc, precise, root, [value for value, _ in counts]])
    assert values[:3] == pytest.approx([0.8333330, 0.9027774, 2**0.5], rel=1e-5)
    assert values[3] == [2, 1, 1, 1]
