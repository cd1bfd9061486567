"""tf.keras in a graph: what its models compute, train and report."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

keras = tf.keras
layers, K = keras.layers, keras.backend
RANDOM = np.random.RandomState(0)
ROWS = RANDOM.randn(60, 5).astype(np.float32)
SUMS = ROWS.sum(1)


@pytest.fixture(autouse=True)
def no_session():
    yield
    K.clear_session()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_a_model_learns_and_reports_each_epoch():
    tf.set_random_seed(0)
    model = keras.Sequential([layers.Dense(16, activation="relu", input_shape=(5,)),
                              layers.Dropout(0.1), layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    classes = ROWS[:, :3].argmax(1)
    history = model.fit(ROWS, classes, batch_size=10, epochs=60, validation_split=0.2, verbose=0)
    assert sorted(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert history.history["loss"][-1] < 0.6 * history.history["loss"][0]
    loss, accuracy = model.evaluate(ROWS, classes, verbose=0)
    made = model.predict(ROWS)
    assert accuracy == pytest.approx((made.argmax(1) == classes).mean())
    assert loss == pytest.approx(-np.log(made[np.arange(60), classes]).mean(), rel=1e-4)
    np.testing.assert_array_equal(model.predict_classes(ROWS), made.argmax(1))


def test_sgd_goes_down_the_gradient_of_the_mean_squared_error():
    model = keras.Sequential([layers.Dense(1, use_bias=False, input_dim=5)])
    model.compile(keras.optimizers.SGD(lr=0.1), "mse")
    model.set_weights([np.zeros((5, 1))])
    assert model.train_on_batch(ROWS, SUMS) == pytest.approx((SUMS**2).mean(), rel=1e-5)
    np.testing.assert_allclose(model.get_weights()[0][:, 0], 0.2 * ROWS.T @ SUMS / 60, rtol=1e-4)


@pytest.mark.parametrize("optimizer, step", [
    (keras.optimizers.RMSprop(0.1), lambda g: 0.1 * g / (np.sqrt(0.1 * g * g) + 1e-7)),
    (keras.optimizers.Adamax(0.1), lambda g: 0.1 * g / (np.abs(g) + 1e-7)),
    (keras.optimizers.Adam(0.1), lambda g: 0.1 * np.sign(g)),
    (keras.optimizers.Adagrad(0.1), lambda g: 0.1 * g / np.sqrt(0.1 + g * g)),
    (keras.optimizers.SGD(0.1, clipvalue=0.5), lambda g: 0.1 * np.clip(g, -0.5, 0.5))])
def test_an_optimizers_first_step(optimizer, step):
    model = keras.Sequential([layers.Dense(1, use_bias=False, input_dim=5)])
    model.compile(optimizer, "mse")
    model.set_weights([np.zeros((5, 1))])
    model.train_on_batch(ROWS, SUMS)
    gradient = -2 * ROWS.T @ SUMS / 60
    np.testing.assert_allclose(model.get_weights()[0][:, 0], -step(gradient), rtol=1e-3)


def test_models_of_several_inputs_and_outputs():
    a, b = keras.Input((5,), name="a"), keras.Input((5,), name="b")
    both = layers.concatenate([layers.Dense(4)(a), layers.Dense(4)(b)])
    model = keras.Model([a, b], [layers.Dense(1, name="one")(both),
                                 layers.Dense(2, activation="softmax", name="two")(both)])
    model.compile("sgd", {"one": "mse", "two": "categorical_crossentropy"},
                  loss_weights={"one": 1.0, "two": 0.5}, metrics={"two": "accuracy"})
    assert model.metrics_names == ["loss", "one_loss", "two_loss", "two_accuracy"]
    given = {"a": ROWS, "b": ROWS}, {"one": SUMS,
                                     "two": keras.utils.to_categorical(SUMS > 0, 2)}
    model.fit(*given, epochs=2, verbose=0)
    loss, one, two, _ = model.evaluate(*given, verbose=0)
    assert loss == pytest.approx(one + 0.5 * two, rel=1e-5)
    with pytest.raises(ValueError, match="No data provided for \"b\""):
        model.predict({"a": ROWS})


def test_what_is_not_trainable_when_it_is_compiled_stays():
    judge = keras.Sequential([layers.Dense(1, activation="sigmoid", input_dim=4, name="judge")])
    judge.compile("sgd", "binary_crossentropy")
    make = keras.Sequential([layers.Dense(4, input_dim=5), layers.BatchNormalization()])
    judge.trainable = False
    z = keras.Input((5,))
    both = keras.Model(z, judge(make(z)))
    both.compile("sgd", "binary_crossentropy")
    before, moved = judge.get_weights(), make.get_weights()
    both.train_on_batch(ROWS, np.ones(60))
    np.testing.assert_array_equal(before[0], judge.get_weights()[0])
    assert all((x != y).any() for x, y in zip(moved[1:], make.get_weights()[1:]))
    judge.train_on_batch(make.predict(ROWS), np.zeros(60))
    assert (before[0] != judge.get_weights()[0]).any()


def test_an_lstm_has_kerass_formulas():
    x = RANDOM.randn(2, 3, 4).astype(np.float32)
    fed = keras.Input((3, 4))
    model = keras.Model(fed, layers.LSTM(5, recurrent_activation="sigmoid")(fed))
    kernel, recurrent, bias = [0.3 * RANDOM.randn(*w.shape) for w in model.get_weights()]
    model.set_weights([kernel, recurrent, bias])
    h = c = np.zeros((2, 5))
    for step in range(3):
        i, f, g, o = np.split(x[:, step] @ kernel + h @ recurrent + bias, 4, 1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    np.testing.assert_allclose(model.predict(x), h, rtol=1e-4, atol=1e-6)


def test_a_gru_both_ways_over_sequences_of_any_length():
    fed = keras.Input((None, 4))
    model = keras.Model(fed, layers.Bidirectional(layers.GRU(3, return_sequences=True))(fed))
    assert model.predict(RANDOM.randn(2, 7, 4)).shape == (2, 7, 6)
    assert [w.name for w in model.weights][0] == "bidirectional/forward_gru/kernel:0"


def test_layers_and_models_that_a_program_writes():
    class Scaled(layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(name="scale", shape=(int(shape[-1]),), initializer="ones")
            super().build(shape)

        def call(self, inputs):
            return inputs * self.scale

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.drop = Scaled(), layers.Dropout(0.5)

        def call(self, inputs, training=None):
            return self.drop(self.first(inputs), training=training)

    model = Own()
    model.compile(tf.train.GradientDescentOptimizer(0.1), "mse")
    np.testing.assert_array_equal(model.predict(ROWS), ROWS)
    model.fit(ROWS, np.zeros_like(ROWS), verbose=0)
    assert [w.name for w in model.weights] == ["own/scaled/scale:0"]
    assert (model.predict(ROWS) != ROWS).any()


def test_layers_in_a_programs_own_loop():
    x = tf.placeholder(tf.float32, [None, 5])
    loss = tf.reduce_mean(tf.square(layers.Dropout(0.5)(layers.Dense(3)(x))))
    step = tf.train.AdamOptimizer().minimize(loss)
    with tf.Session() as session:
        K.set_session(session)
        session.run(tf.global_variables_initializer())
        still = [session.run(loss, {x: ROWS, K.learning_phase(): 0}) for _ in range(2)]
        assert still[0] == still[1]
        session.run(step, {x: ROWS, K.learning_phase(): 1})


def test_callbacks():
    model = keras.Sequential([layers.Dense(1, input_dim=5)])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    seen = []
    history = model.fit(ROWS, SUMS, epochs=9, verbose=0, validation_data=(ROWS, SUMS), callbacks=[
        keras.callbacks.LearningRateScheduler(lambda epoch: 0.0),
        keras.callbacks.EarlyStopping(patience=2),
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))])
    assert seen == [0, 1, 2] == history.epoch
    assert K.get_value(model.optimizer.lr) == 0.0


def test_data_sets_and_generators():
    model = keras.Sequential([layers.Dense(1, input_dim=5)])
    model.compile("sgd", "mse", metrics=["mae"])
    data = tf.data.Dataset.from_tensor_slices((ROWS, SUMS)).batch(20)
    first = model.evaluate(data)
    np.testing.assert_allclose(first, model.evaluate(ROWS, SUMS, verbose=0), rtol=1e-5)
    model.fit(data.repeat(), epochs=2, steps_per_epoch=3, verbose=0)
    model.fit_generator(iter([(ROWS, SUMS)] * 2), steps_per_epoch=2, verbose=0)
    assert model.evaluate(data)[0] < first[0]


def test_weights_in_files(tmp_path):
    model = keras.Sequential([layers.Dense(1, input_dim=5)])
    saved = model.get_weights()
    model.save_weights(tmp_path / "w")
    model.set_weights([0 * x for x in saved])
    model.load_weights(tmp_path / "w")
    np.testing.assert_array_equal(model.get_weights()[0], saved[0])
    with pytest.raises(NotImplementedError, match="HDF5"):
        model.save_weights(tmp_path / "w.h5")


def test_a_summary(capsys):
    keras.Sequential([layers.Conv2D(4, 3, input_shape=(8, 8, 1)), layers.MaxPooling2D(),
                      layers.Flatten(), layers.Dense(2, name="last")]).summary()
    text = capsys.readouterr().out
    assert "conv2d (Conv2D)              (None, 6, 6, 4)           40" in text
    assert "last (Dense)                 (None, 2)                 74" in text
    assert "Total params: 114" in text


@pytest.mark.parametrize("wrong, text", [
    (lambda: keras.Sequential([layers.Dense(1, input_dim=2)]).fit(ROWS), "must compile"),
    (lambda: layers.Dense(1, activation="rellu"), "Unknown activation: 'rellu'"),
    (lambda: layers.LSTM(2, stateful=True), "varscope has no 'stateful'"),
    (lambda: layers.Dense(1, colour=2), "no argument 'colour'"),
    (lambda: keras.Model(keras.Input((2,)), layers.Dense(1)(keras.Input((2,)))), "disconnected")])
def test_errors(wrong, text):
    with pytest.raises(Exception, match=text):
        wrong()


def test_words_as_numbers():
    tokens = keras.preprocessing.text.Tokenizer(num_words=3)
    tokens.fit_on_texts(["the cat the dog", "The cat!"])
    assert tokens.word_index == {"the": 1, "cat": 2, "dog": 3}
    assert tokens.texts_to_sequences(["the dog, the cat"]) == [[1, 1, 2]]
