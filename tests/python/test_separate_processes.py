"""What uses a connection is of one process: whoever copies or pickles it is told so."""

import copy
import pickle

import numpy as np
import pytest

import varscope


@pytest.fixture
def store():
    return varscope.connect()


def of_torch(store):
    torch = pytest.importorskip("torch")
    import varscope.torch
    model = torch.nn.Linear(2, 1)
    shared = varscope.torch.share(model, store)
    return shared, varscope.torch.SGD(model.parameters(), lr=0.1)


def of_jax(store):
    jnp = pytest.importorskip("jax.numpy")
    import varscope.jax
    shared = varscope.jax.share({"w": jnp.zeros(2)}, store)
    return shared, varscope.jax.sgd(shared, 0.1)


def of_the_store(store):
    variable = store.get_variable("w", initializer=np.zeros(2, np.float32))
    return store, store.session, store.graph, variable, variable.value(), variable.op


@pytest.mark.parametrize("make", [of_the_store, of_torch, of_jax])
def test_copies_say_why_not(store, make):
    for thing in make(store):
        for take in (copy.copy, copy.deepcopy, pickle.dumps, lambda x: pickle.dumps([x])):
            with pytest.raises(TypeError, match=f"a {type(thing).__name__} cannot be copied or pickled"
                                                ": .* another process connects by itself"):
                take(thing)


def test_what_was_pulled_may_go_anywhere(store):
    store.get_variable("w", initializer=np.arange(3.0))
    for value in (store.pull("w"), store.list()):
        assert pickle.dumps(copy.deepcopy(value)) == pickle.dumps(value)
