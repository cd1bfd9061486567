"""JAX pytrees over the store."""

import dataclasses
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import pytest

import varscope
from conftest import run_program, start_server

jax = pytest.importorskip("jax", reason="JAX is not installed: tests/python/install.sh does that")
import jax.numpy as jnp  # noqa: E402
import optax  # noqa: E402
import safetensors.numpy  # noqa: E402

import varscope.jax  # noqa: E402


@pytest.fixture
def store():
    return varscope.connect()


def new_params(seed=0):
    one, two = jax.random.split(jax.random.PRNGKey(seed))
    return {"encoder": [{"w": jax.random.normal(one, (4, 5)), "b": jnp.zeros(5)}],
            "head": {"w": jax.random.normal(two, (5, 1))}, "steps": jnp.zeros((), jnp.int32)}


def loss(params, x):
    hidden = jnp.tanh(x @ params["encoder"][0]["w"] + params["encoder"][0]["b"])
    return jnp.mean((hidden @ params["head"]["w"]) ** 2)


gradients = jax.jit(jax.grad(loss, allow_int=True))
X = jax.random.normal(jax.random.PRNGKey(7), (16, 4))
NAMES = ["encoder/0/b", "encoder/0/w", "head/w", "steps"]


def assert_same(one, other, **tolerance):
    assert jax.tree_util.tree_structure(one) == jax.tree_util.tree_structure(other)
    jax.tree_util.tree_map(
        lambda a, b: np.testing.assert_allclose(a, b, **tolerance), one, other)


def test_names_are_paths(store):
    shared = varscope.jax.share(new_params(), store, "model")
    listed = {variable.name: variable for variable in store.list()}
    assert list(listed) == [f"model/{name}" for name in NAMES]
    assert listed["model/encoder/0/w"].shape == (4, 5)
    assert listed["model/steps"].dtype == "int32"
    assert shared.variable("head/w").name == "model/head/w:0"
    assert [shared.variable(name).trainable for name in NAMES] == [True, True, True, False]
    assert_same(shared.params, new_params(), rtol=0, atol=0)


def test_the_first_one_creates_and_others_attach(server):
    one = varscope.jax.share(new_params(0), varscope.connect(server), "model")
    two = varscope.jax.share(new_params(1), varscope.connect(server), "model")
    assert_same(two.params, new_params(0), rtol=0, atol=0)
    after = varscope.jax.sgd(two, 0.1).step(gradients(two.params, X))
    assert_same(one.pull(), after, rtol=0, atol=0)
    assert one.params is not two.params


def test_a_mismatch_names_the_parameter_and_both_creators(server):
    varscope.jax.share({"w": jnp.zeros((2, 3))}, varscope.connect(server), "model")
    with pytest.raises(ValueError) as caught:
        varscope.jax.share({"w": jnp.zeros((3, 2))}, varscope.connect(server), "model")
    text = str(caught.value)
    assert text.startswith("parameter 'w': Trying to share variable model/w")
    assert text.count(f'File "{__file__}", line ') == 2
    assert "jnp.zeros((2, 3))" in text and "jnp.zeros((3, 2))" in text


@pytest.mark.parametrize("name, arguments", [
    ("sgd", dict(learning_rate=0.1)), ("sgd", dict(learning_rate=0.1, momentum=0.9)),
    ("sgd", dict(learning_rate=0.1, momentum=0.9, nesterov=True)),
    ("adam", dict(learning_rate=0.01)), ("adam", dict(learning_rate=0.01, b1=0.5, b2=0.9)),
    ("adamw", dict(learning_rate=0.01, weight_decay=0.1)),
    ("sgd", dict(learning_rate=optax.exponential_decay(0.1, 1, 0.5))),
    ("adagrad", dict(learning_rate=0.1))])
@pytest.mark.parametrize("as_optax", [False, True])
def test_optimizers_do_what_optaxs_do(store, name, arguments, as_optax):
    start = {key: value for key, value in new_params().items() if key != "steps"}
    shared = varscope.jax.share(start, store, "model")
    ours = getattr(varscope.jax, name)(shared, **arguments)
    theirs = getattr(optax, name)(**arguments)
    params, expected, state, kept = shared.params, start, theirs.init(start), ours.init(start)
    for _ in range(5):
        if as_optax:
            updates, kept = ours.update(gradients(params, X), kept, params)
            params = optax.apply_updates(params, updates)
        else:
            params = ours.step(gradients(params, X))
        updates, state = theirs.update(gradients(expected, X), state, expected)
        expected = optax.apply_updates(expected, updates)
    assert_same(params, expected, rtol=1e-4, atol=1e-5)


def test_any_of_the_servers_optimizers(store):
    shared = varscope.jax.share(new_params(), store)
    optimizer = varscope.jax.Optimizer(shared, varscope.train.LAMBOptimizer(0.1))
    before = loss(shared.params, X)
    for _ in range(30):
        params = optimizer.step(gradients(shared.params, X))
    assert loss(params, X) < before / 4
    assert params["steps"] == 0
    assert "head/w/LAMB" in {variable.name for variable in store.list()}
    with pytest.raises(TypeError, match="varscope.train"):
        varscope.jax.Optimizer(shared, 0.1)


def test_rows(store):
    table = jnp.ones((50, 3))
    shared = varscope.jax.share({"table": table}, store)
    rows = varscope.IndexedSlices(jnp.ones((3, 3)), jnp.array([3, 7, 7]))
    params = varscope.jax.sgd(shared, 1.0).step({"table": rows})
    np.testing.assert_array_equal(params["table"],
                                  table.at[jnp.array([3, 7, 7])].add(-1))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_halves(store, dtype):
    shared = varscope.jax.share({"w": jnp.ones((3, 2), dtype)}, store)
    assert store.list("w")[0].dtype == "float32"
    assert shared.params["w"].dtype == dtype
    optimizer = varscope.jax.sgd(shared, 1e-5)
    for _ in range(100):
        params = optimizer.step({"w": jnp.ones((3, 2), dtype)})
    # Smaller than a half can add: the store has them all.
    np.testing.assert_allclose(store.read("w"), 1 - 1e-3, atol=1e-5)
    np.testing.assert_array_equal(params["w"], jnp.asarray(store.read("w"), dtype))


def test_values_of_a_step_stay(store):
    """Whoever keeps a tree keeps its values."""
    shared = varscope.jax.share({"w": jnp.zeros(1 << 16)}, store)
    optimizer = varscope.jax.sgd(shared, 1.0)
    kept = [shared.params, *(optimizer.step({"w": jnp.ones(1 << 16)}) for _ in range(4))]
    assert [float(params["w"].sum()) for params in kept] == [-i * (1 << 16) for i in range(5)]
    # A jitted function may be given the memory.
    given = jax.jit(lambda params: {"w": params["w"] + 1}, donate_argnums=0)(kept[-1])
    assert given["w"][0] == -3 and shared.pull()["w"][0] == -4


def test_checkpoints_both_ways(store, tmp_path):
    shared = varscope.jax.share(new_params(), store, "model")
    params = varscope.jax.adam(shared, 0.1).step(gradients(shared.params, X))
    loaded = safetensors.numpy.load_file(shared.save(tmp_path / "one.safetensors"))
    assert sorted(loaded) == NAMES
    np.testing.assert_array_equal(loaded["encoder/0/w"], params["encoder"][0]["w"])
    written = {name: np.full_like(value, 3) for name, value in loaded.items()}
    safetensors.numpy.save_file(written, tmp_path / "other.safetensors")
    assert shared.restore(tmp_path / "other.safetensors")["head"]["w"].tolist() == [[3]] * 5
    assert store.read("model/steps") == 3


def test_assign(store):
    shared = varscope.jax.share(new_params(), store)
    shared.assign(new_params(1))
    assert_same(shared.pull(), new_params(1), rtol=0, atol=0)
    with pytest.raises(ValueError, match="parameter 'head/w': the value has the shape"):
        shared.assign({**new_params(), "head": {"w": jnp.zeros((2, 2))}})


def test_what_an_array_cannot_have_is_refused(store):
    with pytest.raises(TypeError, match="parameter 'n' has 1099511627776, which is no int32"):
        varscope.jax.share({"n": np.array([2**40])}, store)
    table = {"table": jnp.zeros((4, 2))}
    shared = varscope.jax.share(table, store)
    optimizer = varscope.jax.sgd(shared, 0.1)
    for leaf, said in [
            (np.array([["1", "2"]] * 4), "'table': the .* dtype 'str32'"),
            (np.full((4, 2), None), "'table': the .* dtype 'object'"),
            (np.full((4, 2), 1j), "'table': the .* dtype 'complex128'")]:
        with pytest.raises(TypeError, match=said):
            optimizer.step({"table": leaf})
        with pytest.raises(TypeError, match=said):
            shared.assign({"table": leaf})
    for leaf in (None, 1.0):
        with pytest.raises(TypeError, match="parameter 'table' is .*, not an array"):
            shared.assign({"table": leaf})
    for indices in (jnp.array([0.5, 3.0]), jnp.array([True, False])):
        with pytest.raises(TypeError, match="numbers of rows"):
            optimizer.step({"table": varscope.IndexedSlices(jnp.ones((2, 2)), indices)})
    assert_same(shared.pull(), table, rtol=0, atol=0)


def test_what_is_assigned_is_a_tree_of_jaxs_arrays(store):
    shared = varscope.jax.share({"w": jnp.zeros(2), "h": jnp.zeros(1, jnp.bfloat16)}, store)
    mine = {"w": np.ones(2), "h": np.ones(1)}
    shared.assign(mine)
    mine["w"][:] = 7
    assert shared.params["w"].tolist() == [1, 1] and isinstance(shared.params["w"], jax.Array)
    assert shared.params["h"].dtype == jnp.bfloat16


def test_updates_of_another_tree_push_nothing(store):
    shared = varscope.jax.share({"w": jnp.zeros(2), "on": jnp.array([True, False])}, store)
    optimizer = varscope.jax.sgd(shared, 1.0)
    pushed = {"w": jnp.ones(2), "on": None}
    with pytest.raises(ValueError, match="parameter 'on': the params' tree does not have it"):
        optimizer.update(pushed, (), {"w": jnp.zeros(2)})
    assert shared.pull()["w"].tolist() == [0, 0]
    before = shared.params
    updates, _ = optimizer.update(pushed, (), before)
    after = optax.apply_updates(before, updates)
    assert after["w"].tolist() == [-1, -1] and after["on"].tolist() == [True, False]


def test_under_jit(store):
    shared = varscope.jax.share(new_params(), store)
    optimizer = varscope.jax.sgd(shared, 0.1)
    with pytest.raises(RuntimeError, match="call it outside jit"):
        jax.jit(lambda params: optimizer.step(gradients(params, X)))(shared.params)
    with pytest.raises(TypeError, match="'w' has no value under jit"):
        jax.jit(lambda w: varscope.jax.share({"w": w}, store, "other").params)(jnp.zeros(1))


def test_gradients_of_another_tree(store):
    shared = varscope.jax.share(new_params(), store)
    optimizer = varscope.jax.sgd(shared, 0.1)
    good = gradients(shared.params, X)
    before = shared.params
    with pytest.raises(ValueError, match="parameter 'head/w': the gradients' tree does not have it"):
        optimizer.step({**good, "head": {}})
    with pytest.raises(ValueError, match="parameter 'tail' of the gradients' tree is not shared"):
        optimizer.step({**good, "tail": jnp.zeros(1)})
    with pytest.raises(RuntimeError, match="no gradient of parameter 'head/w'"):
        optimizer.step({**good, "head": {"w": None}})
    with pytest.raises(ValueError, match=r"'head/w': the gradient has the shape \(1,\).*\(5, 1\)"):
        optimizer.step({**good, "head": {"w": jnp.zeros(1)}})
    with pytest.raises(varscope.errors.InvalidArgumentError, match="variable head/w"):
        optimizer.step({**good, "head": {"w": jnp.full((5, 1), jnp.nan)}})
    with pytest.raises(ValueError, match="needs the params"):
        optimizer.update(good)
    assert shared.params is before
    assert_same(shared.pull(), before, rtol=0, atol=0)


def test_trees_that_cannot_be_shared(store):
    with pytest.raises(ValueError, match="parameter 'a b' has ' ' in its name"):
        varscope.jax.share({"a b": jnp.zeros(1)}, store)
    varscope.jax.share({"a b": jnp.zeros(1)}, store, rename=lambda name: name.replace(" ", "_"))
    with pytest.raises(ValueError, match="two of the tree's arrays have the path 'a/b'"):
        varscope.jax.share({"a": {"b": jnp.zeros(1)}, "a/b": jnp.zeros(1)}, store)
    with pytest.raises(ValueError, match="no parameters"):
        varscope.jax.share({"x": None}, store)
    with pytest.raises(TypeError, match="parameter 'x' is complex64"):
        varscope.jax.share({"x": jnp.zeros(1, jnp.complex64)}, store)
    with pytest.raises(TypeError, match="parameter 'key' is key<fry>, a dtype"):
        varscope.jax.share({"key": jax.random.key(0)}, store)
    with pytest.raises(TypeError, match="parameter 'x' is ShapeDtypeStruct.*, not an array"):
        varscope.jax.share({"x": jax.ShapeDtypeStruct((2,), jnp.float32)}, store)
    with pytest.raises(TypeError, match=r"rename\(\) has returned None"):
        varscope.jax.share({"x": jnp.zeros(1)}, store, rename=lambda name: None)
    with pytest.raises(TypeError, match="takes a store, .* not 'model'"):
        varscope.jax.share({"x": jnp.zeros(1)}, "model")
    with pytest.raises(TypeError, match="the name of a scope, not 5"):
        varscope.jax.share({"x": jnp.zeros(1)}, store, 5)
    with pytest.raises(TypeError, match="what varscope.jax.share"):
        varscope.jax.sgd({"x": jnp.zeros(1)}, 0.1)
    with pytest.raises(ValueError, match="no parameters"):
        varscope.jax.share({}, store)
    for number in ("0.1", None, [0.1, 0.2], 1j):
        with pytest.raises(TypeError, match="'learning_rate' is .*, not a number or a function"):
            varscope.jax.sgd(varscope.jax.share({"x": jnp.zeros(1)}, store, "y"), number)
    with pytest.raises(ValueError, match="no parameter to train"):
        varscope.jax.sgd(varscope.jax.share({"n": jnp.zeros(1, jnp.int32)}, store), 0.1)


class Layer(NamedTuple):
    w: jax.Array
    b: jax.Array | None = None


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Head:
    w: jax.Array
    scale: jax.Array


def test_trees_of_every_kind(store):
    tree = OrderedDict(
        z=Layer(jnp.ones(2)), a=[Layer(jnp.ones(1), jnp.ones(())), None], head=Head(
            np.arange(6, dtype=">f8").reshape(2, 3).T[::-1], np.float32(2)),
        empty=(jnp.zeros((0, 3)), {}), on=np.array([True, False]), n={3: jnp.uint8(200)})
    shared = varscope.jax.share(tree, store)
    assert list(shared.arrays.variables) == ["z/w", "a/0/w", "a/0/b", "head/w", "head/scale",
                                             "empty/0", "on", "n/3"]
    params = varscope.jax.sgd(shared, 1.0).step(
        jax.tree_util.tree_map(jnp.ones_like, shared.params))
    assert jax.tree_util.tree_structure(params) == jax.tree_util.tree_structure(tree)
    assert params["z"].w.tolist() == [0, 0] and params["z"].b is None and params["a"][1] is None
    assert params["head"].w.tolist() == [[1, 4], [0, 3], [-1, 2]] and params["head"].scale == 1
    assert params["on"].tolist() == [True, False] and params["n"][3] == 200


def test_a_part_that_is_none_stays_none(store):
    shared = varscope.jax.share({"w": jnp.zeros(2), "b": None}, store)
    optimizer = varscope.jax.sgd(shared, 1.0)
    params = optimizer.step({"w": jnp.ones(2), "b": None})
    assert params["b"] is None and params["w"].tolist() == [-1, -1]
    assert optimizer.step({"w": jnp.ones(2)})["w"].tolist() == [-2, -2]
    with pytest.raises(RuntimeError, match="no gradient of parameter 'w'"):
        optimizer.step({"w": None, "b": None})
    with pytest.raises(ValueError, match="parameter 'b' of the gradients' tree is not shared"):
        optimizer.step({"w": jnp.ones(2), "b": jnp.ones(1)})


def test_calls_as_optax_has_them(store):
    shared = varscope.jax.share({"w": jnp.zeros(2)}, store)
    chained = optax.chain(optax.clip(0.5), varscope.jax.sgd(shared, np.array([1.0])))
    state = chained.init(shared.params)
    updates, state = chained.update({"w": jnp.ones(2)}, state, shared.params, loss=1.0)
    assert updates["w"].tolist() == [-0.5, -0.5]
    updates, _ = varscope.jax.sgd(shared, 1.0).update(
        updates={"w": jnp.ones(2)}, state=(), params=shared.params)
    assert optax.apply_updates(shared.params, updates)["w"].tolist() == [-2.5, -2.5]


def test_parts_by_their_place_that_optax_has_not_there(store):
    shared = varscope.jax.share({"w": jnp.zeros(2)}, store)
    for make in (varscope.jax.adamw, varscope.jax.rmsprop):
        with pytest.raises(TypeError, match="positional arguments"):
            make(shared, 0.1, 0.9, 0.9, 1e-8, 0.5)


def test_handles_say_what_they_are(store):
    shared = varscope.jax.share(new_params(), store)
    said = f"<varscope.jax.SharedTree of 4 arrays at {store.target}>"
    assert repr(shared) == said and said in repr(varscope.jax.sgd(shared, 0.1))


def test_a_closed_store(store):
    shared = varscope.jax.share(new_params(), store)
    optimizer = varscope.jax.sgd(shared, 0.1)
    store.close()
    with pytest.raises(RuntimeError, match="closed"):
        optimizer.step(gradients(shared.params, X))


def test_a_server_that_is_gone():
    with start_server() as target:
        shared = varscope.jax.share(new_params(), varscope.connect(target, timeout=0.5))
        optimizer = varscope.jax.sgd(shared, 0.1)
        optimizer.step(gradients(shared.params, X))
    before = shared.params
    with pytest.raises((varscope.errors.UnavailableError, varscope.errors.DeadlineExceededError)):
        optimizer.step(gradients(shared.params, X))
    assert shared.params is before


def test_arrays_stay_on_their_devices():
    code = """
import os
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"
import jax
import jax.numpy as jnp
import varscope.jax
mesh = jax.make_mesh((4,), ("x",))
rows = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("x"))
there = jax.device_put(jnp.zeros((8, 2)), rows)
other = jax.device_put(jnp.zeros(3), jax.devices()[2])
shared = varscope.jax.share({"a": there, "b": other, "c": jnp.zeros(1)})
params = varscope.jax.sgd(shared, 1.0).step(jax.tree.map(jnp.ones_like, shared.params))
print(params["a"].sharding == rows, params["b"].devices() == {jax.devices()[2]},
      params["c"].devices() == {jax.devices()[0]}, params["a"].sum(), params["b"].sum())
"""
    done = run_program(code)
    assert done.stdout == "True True True -16.0 -3.0\n", done.stderr
