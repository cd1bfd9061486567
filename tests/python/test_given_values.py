"""A server that was started again without its state gets the first values again, large ones too."""

import subprocess

import jax.numpy as jnp
import numpy as np
import pytest

import varscope
import varscope.jax
from varscope.programs import path_of

LARGE = 100_000  # elements that do not travel with the definition


class Restarted:
    """A server in memory, on one address."""

    def __init__(self):
        self.target = "127.0.0.1:0"
        self._start()

    def _start(self):
        self._process = subprocess.Popen(
            [path_of("varscoped"), "--listen", self.target, "--ready-fd", "1", "--log-level", "error"],
            stdout=subprocess.PIPE, text=True)
        self.target = f"127.0.0.1:{self._process.stdout.readline().strip()}"

    def stop(self):
        with self._process:
            self._process.kill()

    def restart(self):
        self.stop()
        self._start()


@pytest.fixture
def restarted():
    server = Restarted()
    yield server
    server.stop()


def told(call):
    """The first call after a restart says what has happened."""
    with pytest.raises(varscope.errors.AbortedError, match="started again without its state"):
        call()


def test_what_a_store_has_given(restarted):
    store = varscope.connect(restarted.target)
    w = store.get_variable("w", initializer=np.ones(LARGE, np.float32))
    v = store.Variable(np.full((LARGE, 1), 2.0), name="v")
    calls = [lambda: store.pull(w), lambda: store.pull([v, w])[1], lambda: store.pull_rows(w, [0, 7])]
    for call in calls:
        store.push({w: np.ones(LARGE)}, 0.5)
        restarted.restart()
        told(call)
        assert call().tolist()[:2] == [1, 1]
    restarted.restart()
    told(lambda: store.pull(w))
    store.push({w: np.ones(LARGE)}, 0.5)
    assert store.pull(w)[0] == 1 - 0.5 * (1 - store.dropped_pushes)
    store.push({w: np.ones(LARGE)}, 0.5)
    assert store.global_step == 2 - store.dropped_pushes


def test_a_push_of_values_that_are_gone_is_counted(restarted):
    store = varscope.connect(restarted.target)
    w = store.get_variable("w", initializer=np.ones(LARGE, np.float32))
    store.push({w: store.pull(w)}, 0.5)
    assert store.pull(w)[0] == 0.5 and store.dropped_pushes == 0
    restarted.restart()
    told(lambda: store.push({w: np.ones(LARGE)}, 0.5))
    store.push({w: np.ones(LARGE)}, 0.5)
    assert (store.pull(w)[0], store.dropped_pushes) == (1, 1)
    store.push({w: np.ones(LARGE)}, 0.5)
    assert (store.pull(w)[0], store.dropped_pushes) == (0.5, 1)


def test_what_a_model_has_given(restarted):
    store = varscope.connect(restarted.target)
    shared = varscope.jax.share({"w": jnp.ones(LARGE), "b": jnp.zeros(2)}, store, "model")
    optimizer = varscope.jax.sgd(shared, 0.5)
    gradients = {"w": jnp.ones(LARGE), "b": jnp.ones(2)}
    optimizer.step(gradients)
    restarted.restart()
    told(lambda: optimizer.step(gradients))
    optimizer.step(gradients)  # of values that are gone
    assert optimizer.step(gradients)["b"].tolist() == [-0.5, -0.5]
    restarted.restart()
    told(shared.pull)
    assert shared.pull()["w"][0] == 1


def test_what_another_worker_has_not_given_is_an_error(restarted):
    store = varscope.connect(restarted.target)
    own = store.get_variable("own", initializer=np.ones(LARGE, np.float32))
    other = varscope.connect(restarted.target)
    with other.graph.as_default():
        import varscope.compat.v1 as tf
        tf.get_variable("theirs", initializer=np.ones(LARGE, np.float32))
    with pytest.raises(varscope.errors.FailedPreconditionError, match="theirs"):
        store.pull(store.get_variable("theirs"))
    assert store.pull(own)[0] == 1
