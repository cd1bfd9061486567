"""Linear estimators, alone and beside a network, columns of texts, and tf.contrib.learn's estimators."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

column, learn = tf.feature_column, tf.contrib.learn
RANDOM = np.random.RandomState(0)
X = RANDOM.rand(200, 2).astype(np.float32)
KINDS = np.array(["red", "green", "blue"])[RANDOM.randint(3, size=200)]
LABELS = ((X[:, 0] > 0.5) ^ (KINDS == "red")).astype(np.int64)


def data(epochs=None):
    return tf.estimator.inputs.numpy_input_fn(
        {"x": X, "kind": KINDS}, LABELS, batch_size=50, num_epochs=epochs, shuffle=epochs is None)


def test_a_linear_model_begins_with_zeros():
    features = {"x": tf.constant(X), "kind": tf.constant(KINDS.tolist())}
    kind = column.categorical_column_with_vocabulary_list("kind", ["red", "green", "blue"])
    made = column.linear_model(features, [column.numeric_column("x", [2]), kind])
    loss = tf.reduce_mean(tf.square(made[:, 0] - tf.constant((KINDS == "red").astype(np.float32))))
    train = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert not session.run(made).any()
        for _ in range(200):
            session.run(train)
        assert session.run(loss) < 0.01
    assert [v.op.name for v in tf.trainable_variables()] == [
        "linear_model/kind/weights", "linear_model/x/weights", "linear_model/bias_weights"]


def test_a_line_is_found(tmp_path):
    x = np.arange(8, dtype=np.float32)
    fed = tf.estimator.inputs.numpy_input_fn({"x": x}, 2 * x + 1, 8, None, shuffle=False)
    line = tf.estimator.LinearRegressor([column.numeric_column("x")], str(tmp_path))
    line.train(fed, steps=600)
    assert line.evaluate(fed, steps=1)["average_loss"] < 0.1
    assert "linear/linear_model/x/weights" in line.get_variable_names()


def test_crossed_columns_tell_what_neither_does(tmp_path):
    ranges = column.bucketized_column(column.numeric_column("first"), [0.5])
    kind = column.categorical_column_with_hash_bucket("kind", 100)
    crossed = column.crossed_column([ranges, kind], 1000)
    made = tf.estimator.LinearClassifier([crossed], str(tmp_path))
    fed = tf.estimator.inputs.numpy_input_fn({"first": X[:, 0], "kind": KINDS}, LABELS, 200, None,
                                             shuffle=False)
    made.train(fed, steps=100)
    assert made.evaluate(fed, steps=1)["accuracy"] == 1


def test_a_linear_model_beside_a_network(tmp_path):
    kind = column.categorical_column_with_hash_bucket("kind", 50)
    made = tf.estimator.DNNLinearCombinedClassifier(
        str(tmp_path), linear_feature_columns=[kind], dnn_feature_columns=[
            column.numeric_column("x", [2]), column.indicator_column(kind)],
        dnn_hidden_units=[16], dnn_optimizer=tf.train.AdamOptimizer(0.05))
    made.train(data(), steps=300)
    assert made.evaluate(data(1))["accuracy"] > 0.9
    assert made.evaluate(data(1))["global_step"] == 300


def test_contrib_learns_classifiers(tmp_path):
    columns = [tf.contrib.layers.real_valued_column("", dimension=2)]
    labels = (X.sum(1) > 1).astype(int)
    made = learn.DNNClassifier([10], columns, str(tmp_path), 2,
                               optimizer=tf.train.AdamOptimizer(0.05))
    made.fit(X, labels, steps=200)
    assert made.evaluate(X, labels, steps=1)["accuracy"] > 0.95
    assert (np.array(list(made.predict(X[:20]))) == labels[:20]).mean() > 0.9
    assert np.shape(list(made.predict_proba(X[:3]))) == (3, 2)
    assert len(learn.infer_real_valued_columns_from_input(X)) == 1


@pytest.mark.parametrize("returns", [tuple, lambda x: learn.ModelFnOps(None, *x)])
def test_a_model_function_of_contrib_learn(tmp_path, returns):
    def model(features, target):
        target = tf.one_hot(tf.cast(target, tf.int64), 2, 1, 0)
        logits = tf.layers.dense(features, 2)
        loss = tf.losses.softmax_cross_entropy(target, logits)
        train = tf.contrib.layers.optimize_loss(
            loss, tf.contrib.framework.get_global_step(), 0.5, "Adagrad")
        return returns((tf.argmax(logits, 1), loss, train))

    made = learn.SKCompat(learn.Estimator(model, str(tmp_path)))
    labels = (X.sum(1) > 1).astype(np.int64)
    made.fit(X, labels, batch_size=50, steps=200)
    assert (made.predict(X) == labels).mean() > 0.9
