"""A step of each framework is one round trip, and sends what it must."""

import importlib.util

import numpy as np
import pytest

import varscope
from conftest import start_server
from wire import watched

SIZE = 1000


def jax_step(store):
    import jax.numpy as jnp
    import varscope.jax
    shared = varscope.jax.share({"a": jnp.zeros((SIZE, 2)), "b": jnp.zeros(3)}, store, "model")
    optimizer = varscope.jax.adam(shared, 0.1)
    rows = varscope.IndexedSlices(jnp.ones((1, 2)), jnp.array([5]))
    return lambda sparse: optimizer.step({"a": rows if sparse else jnp.ones((SIZE, 2)),
                                          "b": jnp.ones(3)})


def torch_step(store):
    import torch
    import varscope.torch

    model = torch.nn.ParameterDict({"a": torch.zeros(SIZE, 2), "b": torch.zeros(3)})
    varscope.torch.share(model, store, "model")
    optimizer = varscope.torch.Adam(model.parameters(), lr=0.1)

    def step(sparse):
        rows = torch.sparse_coo_tensor([[5]], torch.ones(1, 2), (SIZE, 2))
        model["a"].grad = rows if sparse else torch.ones(SIZE, 2)
        model["b"].grad = torch.ones(3)
        optimizer.step()
    return step


STEPS = [pytest.param(step, id=name, marks=pytest.mark.skipif(
    importlib.util.find_spec(name) is None, reason=f"{name} is not installed; run.sh says how"))
    for name, step in (("jax", jax_step), ("torch", torch_step))]


def trips_of(wire, steps, step):
    before = wire.round_trips()
    for _ in range(steps):
        step()
    return wire.round_trips() - before


def test_the_count_is_of_round_trips():
    with start_server() as target, watched(target) as wire:
        store = varscope.connect(wire.target, transport="target", cache_pulls=False)
        w = store.get_variable("w", [3], initializer=varscope.initializers.Zeros())
        store.push({w: np.ones(3)}, optimizer=1.0)
        assert trips_of(wire, 5, lambda: store.pull(w)) == 5
        assert trips_of(wire, 5, lambda: store.push({w: store.pull(w)}, optimizer=1.0)) == 10


@pytest.mark.parametrize("sync, trips", [
    (["async"], 1), (["bsp:workers=1"], 1), (["ssp:bound=1"], 1),
    # One for each of the server's groups.
    (["async", "model/b=bsp:workers=1"], 2),
    # Local steps have none; every fifth pushes what they made, and pulls.
    (["local:workers=1,steps=5"], 2 / 5)])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("new_step", STEPS)
def test_a_step_is_one_round_trip(new_step, sync, trips, sparse):
    flags = [flag for one in sync for flag in ("--sync", one)]
    with start_server(*flags) as target, watched(target) as wire:
        step = new_step(varscope.connect(wire.target, transport="target"))
        for _ in range(5):
            step(sparse)
        assert trips_of(wire, 10, lambda: step(sparse)) == trips * 10


@pytest.mark.parametrize("new_step", STEPS)
def test_rows_go_as_rows(new_step):
    with start_server() as target, watched(target) as wire:
        step = new_step(varscope.connect(wire.target, transport="target"))
        sent = {}
        for sparse in (False, True):
            step(sparse)
            before = wire.bytes_to_server
            step(sparse)
            sent[sparse] = wire.bytes_to_server - before
        assert sent[False] > SIZE * 2 * 4 > 10 * sent[True]
