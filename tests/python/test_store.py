"""The store without a framework."""

import subprocess
import sys

import numpy as np
import pytest

import varscope
import varscope.compat.v1
from conftest import run_program, start_server


@pytest.fixture
def store():
    return varscope.connect()


def test_pull_and_push(store):
    with store.variable_scope("model"):
        w = store.get_variable("w", [3], initializer=varscope.initializers.Zeros())
        b = store.get_variable("b", initializer=1.0)
    assert w.name == "model/w:0"
    store.push({w: [1.0, 2.0, 3.0], b: 0.5}, optimizer=0.5)
    assert store.pull(w).tolist() == [-0.5, -1, -1.5]
    pulled = store.pull({"w": w, "b": b})
    assert pulled["b"] == 0.75 and pulled["w"].tolist() == [-0.5, -1, -1.5]
    assert [value.shape for value in store.pull([w, b])] == [(3,), ()]
    assert store.pull("model/w").tolist() == store.read("model/w:0").tolist()
    assert store.global_step == 1


def test_pulled_bytes_are_not_copied(store):
    w = store.get_variable("w", [1 << 16])
    first, second = store.pull([w, w])
    assert np.shares_memory(first, second)
    with pytest.raises(ValueError, match="read-only"):
        first += 1


def test_an_optimizer_keeps_its_slots(store):
    w = store.get_variable("w", [2], initializer=varscope.initializers.Ones())
    adam = varscope.train.AdamOptimizer(0.1)
    for _ in range(3):
        store.push({w: store.pull(w)}, optimizer=adam)
    names = [listed.name for listed in store.list()]
    assert names[0] == "w" and "w/Adam" in names and "w/Adam_1" in names
    assert len(names) == 5
    np.testing.assert_allclose(store.pull(w), 0.7, atol=0.01)


def test_rows(store):
    table = store.get_variable("table", [4, 2], initializer=varscope.initializers.Zeros())
    rows = varscope.IndexedSlices(np.ones((3, 2)), [0, 2, 2])
    store.push({table: rows}, optimizer=1.0)
    assert store.pull(table).tolist() == [[-1, -1], [0, 0], [-2, -2], [0, 0]]


def test_assign_and_checkpoints(store, tmp_path):
    v = store.Variable([1.0, 2.0], name="v")
    again = store.Variable([5.0], name="v")
    assert (v.name, again.name) == ("v:0", "v_1:0")
    path = store.save(str(tmp_path / "all.npz"))
    store.assign({v: [7, 8], again: [9]})
    assert store.pull(v).tolist() == [7, 8] and store.pull(again).tolist() == [9]
    store.restore(path)
    assert store.pull(v).tolist() == [1, 2]
    assert store.pull(v).dtype == np.float32


def test_reuse(store):
    w = store.get_variable("w", [2])
    assert store.get_variable("w", [2]) == w
    with pytest.raises(ValueError, match="already exists"):
        store.get_variable("w", [2], reuse=False)
    with pytest.raises(ValueError, match="does not exist"):
        store.get_variable("v", [2], reuse=True)
    with pytest.raises(ValueError, match="shape"):
        store.get_variable("w", [3])
    with store.variable_scope("s", reuse=True), pytest.raises(ValueError, match="does not exist"):
        store.get_variable("v", [2])


def test_listing(store):
    with store.variable_scope("a"):
        store.get_variable("matrix", [2, 3], "float64")
    store.get_variable("scalar", [])
    assert store.list("nothing") == []
    matrix, scalar = store.list()
    assert (matrix.name, matrix.shape, matrix.dtype) == ("a/matrix", (2, 3), "float64")
    assert (scalar.name, scalar.shape, scalar.version) == ("scalar", (), 0)
    assert store.worker_id in matrix.created_by and "test_store.py:" in matrix.created_by
    assert store.list("a/") == [matrix]


def test_creators_in_files_of_any_name(store, tmp_path):
    program = tmp_path / "größe e.py"
    program.write_text("import sys, varscope\n"
                       "store = varscope.connect(sys.argv[1])\n"
                       "store.get_variable('w', initializer=0.0)  # in größe\n")
    subprocess.run([sys.executable, program, store.target], check=True)
    assert store.list("w")[0].created_by.endswith("größe e.py:3")
    with pytest.raises(ValueError, match=r"größe e.py\", line 3\n.*# in größe"):
        store.get_variable("w", [7])


def test_snapshots(store, tmp_path):
    with pytest.raises(RuntimeError, match="varscopectl"):
        store.snapshot()
    with start_server("--data-dir", str(tmp_path)) as target:
        durable = varscope.connect(target)
        durable.get_variable("w", [2])
        assert durable.snapshot("first").startswith(str(tmp_path))


def test_a_server_that_is_gone_is_unavailable():
    with start_server() as target:
        store = varscope.connect(target)
        store.get_variable("w", [2])
    for call in (store.list, store.snapshot):
        with pytest.raises(varscope.errors.UnavailableError, match="no varscoped answers"):
            call()


@pytest.mark.parametrize(("code", "said", "error"), [
    (1, "the server keeps nothing: it has no --data-dir", RuntimeError),
    (2, "there is no command 'lisst'", RuntimeError),
    (3, "no varscoped answers at h:1: Connection refused", varscope.errors.UnavailableError),
    (3, "varscoped at h:1 was gone before it answered", varscope.errors.UnavailableError),
    (3, "no varscoped answers at h:1: no answer; the server is stopped",
     varscope.errors.DeadlineExceededError),
    (3, "no answer from varscoped at h:1 within 60 s", varscope.errors.DeadlineExceededError),
])
def test_what_varscopectl_says_is_an_error_of_its_kind(store, tmp_path, monkeypatch, code, said, error):
    program = tmp_path / "varscopectl"
    program.write_text(f'#!/bin/sh\necho "varscopectl: {said}" >&2\nexit {code}\n')
    program.chmod(0o755)
    monkeypatch.setattr("varscope.control.path_of", lambda _: str(program))
    for call in (store.list, store.snapshot):
        with pytest.raises(error, match=said.split(":")[0]) as raised:
            call()
        assert type(raised.value) is error


def test_processes_meet_by_name(server):
    code = """
import sys, varscope
store = varscope.connect(sys.argv[1])
w = store.get_variable("w", [2], initializer=varscope.initializers.Zeros())
for _ in range(10):
    store.push({w: [1.0, 2.0]}, optimizer=1.0)
store.barrier("done", 2)
print(store.pull(w).tolist())
"""
    import threading
    results = []
    threads = [threading.Thread(target=lambda: results.append(run_program(code, server)))
               for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [r.stdout for r in results] == ["[-20.0, -40.0]\n"] * 2, results[0].stderr


def test_without_a_target_the_environment_says_where(server, monkeypatch):
    monkeypatch.setenv("VARSCOPE_TARGET", server)
    assert varscope.connect().target == server
    monkeypatch.delenv("VARSCOPE_TARGET")
    assert varscope.connect().target.startswith("unix:")


@pytest.mark.parametrize("size", [1, 1 << 10, 1 << 14, 1 << 18])
def test_a_first_value_of_any_size_is_there_at_once(server, size):
    value = np.arange(size, dtype=np.float32)
    store = varscope.connect(server)
    np.testing.assert_array_equal(store.pull(store.get_variable("v", initializer=value)), value)
    np.testing.assert_array_equal(store.pull(store.Variable(value, "w")), value)
    np.testing.assert_array_equal(varscope.connect(server).read("v"), value)
    # Who attaches does not reset it.
    store.push({store.get_variable("v", initializer=value): value}, optimizer=1.0)
    second = varscope.connect(server)
    assert not second.pull(second.get_variable("v", initializer=value)).any()


@pytest.mark.parametrize(("dtype", "value", "error", "said"), [
    ("float32", None, TypeError, "is None"),
    ("float32", "7", TypeError, "dtype 'str32'"),
    ("float32", np.array(1, object), TypeError, "dtype 'object'"),
    ("float32", 1j, TypeError, "dtype 'complex128'"),
    ("float32", np.datetime64("2020-01-01"), TypeError, "dtype 'datetime64"),
    ("int32", 1.5, TypeError, "has 1.5, which is no int32"),
    ("int32", np.array(2**40), TypeError, "has 1099511627776, which is no int32"),
    ("uint8", np.array(-1), TypeError, "has -1, which is no uint8"),
    ("int8", np.float32("nan"), TypeError, "has nan, which is no int8"),
    ("bool", 0.5, TypeError, "has 0.5, which is no bool"),
    ("float32", [1.0], ValueError, r"has the shape \(1,\), and the variable has \(\)"),
    ("float32", [[1.0], [1.0, 2.0]], ValueError, "is no array"),
])
def test_what_a_variable_cannot_have_is_refused(store, dtype, value, error, said):
    v = store.get_variable("v", initializer=np.ones((), dtype))
    with pytest.raises(error, match=f"the value of variable 'v' .*{said}"):
        store.assign({v: value})
    assert store.pull(v) == 1


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "int8", "uint64", "bool", ">f4"])
def test_arrays_of_any_dtype_are_taken_where_nothing_is_lost(store, dtype):
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    given = np.array([0, 1, 1]).astype(dtype)
    for wanted in ("float32", "int32", "bool"):
        v = store.get_variable(wanted, initializer=np.zeros(3, wanted))
        store.assign({v: given})
        assert store.pull(v).dtype == wanted and store.pull(v).tolist() == [0, 1, 1]


@pytest.mark.parametrize(("indices", "error", "said"), [
    ([0.0, 1.7], TypeError, "numbers of rows, not float64"),
    ([True, False], TypeError, "numbers of rows, not bool"),
    (np.array([0, 2**63], np.uint64), TypeError, "which is no int64"),
    ([0], ValueError, "one row of values for each index"),
    (None, TypeError, "`indices` is None"),
])
def test_rows_that_are_none(store, indices, error, said):
    table = store.get_variable("table", initializer=np.zeros((4, 2), np.float32))
    with pytest.raises(error, match=said):
        store.push({table: varscope.IndexedSlices(np.ones((2, 2)), indices)}, optimizer=1.0)
    assert not store.pull(table).any()


def test_no_rows(store):
    table = store.get_variable("table", initializer=np.zeros((4, 2), np.float32))
    store.push({table: varscope.IndexedSlices(np.ones((0, 2)), [])}, optimizer=1.0)
    assert not store.pull(table).any()


def test_calls_that_are_none(store):
    w = store.get_variable("w", initializer=0.0)
    other = varscope.connect(store.target).get_variable("w")
    rate = "a number, the learning rate"
    for call, error, said in [
            (lambda: store.pull(None), TypeError, "a variable, a name, or a list or dict"),
            (lambda: store.pull(["w"]), TypeError, "takes variables, .* not 'w'"),
            (lambda: store.pull(other), ValueError, "'w' is not of this connection"),
            (lambda: store.read(w), TypeError, "a variable's name"),
            (lambda: store.push(w, 1.0), TypeError, "takes a dict"),
            (lambda: store.push({"w": 1.0}, 1.0), TypeError, "takes variables, .* not 'w'"),
            (lambda: store.push({other: 1.0}, 1.0), ValueError, "'w' is not of this connection"),
            (lambda: store.push({w: 1.0}, "sgd"), TypeError, rate),
            (lambda: store.push({w: 1.0}, varscope.train.AdamOptimizer), TypeError, rate),
            (lambda: store.assign({"w": 1.0}), TypeError, "takes variables, .* not 'w'"),
            (lambda: store.get_variable(None, [1]), TypeError, "a string as the name, not None"),
            (lambda: store.Variable(None), ValueError, "initial_value must be specified"),
            (lambda: store.snapshot("--all"), ValueError, "no name of a snapshot"),
            (lambda: store.barrier("b", 0), ValueError, "0 is no number of parties"),
            (lambda: store.barrier("b", -1), ValueError, "-1 is no number of parties"),
            (lambda: store.barrier("b", 2, 0), ValueError, "must be above 0"),
            (lambda: store.barrier("b", 2, -1.0), ValueError, "must be above 0"),
            (lambda: store.barrier("b", 1, float("nan")), ValueError, "must be above 0"),
            (lambda: varscope.connect(timeout=0), ValueError, "0 s, and must be above 0"),
            (lambda: varscope.connect(timeout=-1), ValueError, "-1 s, and must be above 0"),
            (lambda: varscope.connect(timeout=float("nan")), ValueError, "must be above 0"),
            (lambda: varscope.connect(timeout=1e30), ValueError, "at most"),
            (lambda: varscope.connect(5), TypeError, "a server's address, .* not 5")]:
        with pytest.raises(error, match=said):
            call()
    assert store.pull(w) == 0


def test_a_closed_store_does_nothing(store):
    with store:
        w = store.get_variable("w", initializer=0.0)
    for call in (lambda: store.pull(w), lambda: store.pull("w"), lambda: store.push({w: 1.0}, 1.0),
                 lambda: store.assign({w: 1.0}), lambda: store.get_variable("w"),
                 lambda: store.Variable(1.0), lambda: store.variable_scope("s"),
                 lambda: store.barrier("b", 1), store.list, store.snapshot,
                 lambda: store.save("unused"), lambda: store.global_step):
        with pytest.raises(RuntimeError, match="closed"):
            call()


def test_equal_optimizers_are_one(store):
    w = store.get_variable("w", [2], initializer=varscope.initializers.Ones())
    v = store.get_variable("v", [2], initializer=varscope.initializers.Ones())
    adam = varscope.train.AdamOptimizer(0.1)
    for _ in range(5):
        store.push({w: store.pull(w)}, optimizer=adam)
        store.push({v: store.pull(v)}, optimizer=varscope.train.AdamOptimizer(0.1))
    np.testing.assert_allclose(store.pull(v), store.pull(w), rtol=1e-5)
    assert not [name for name in store.list("v/") if name.name == "v/Adam_2"]
    store.push({v: [0.0, 0.0]}, optimizer=varscope.train.AdamOptimizer(np.float64(0.1)))
    assert "v/Adam_2" not in [listed.name for listed in store.list("v/")]
    before = store.pull(v)
    clipped = varscope.train.AdamOptimizer(0.1).push_options(clip_value=1e-3)
    store.push({v: [1.0, 1.0]}, optimizer=clipped)
    assert "v/Adam_2" in [listed.name for listed in store.list("v/")]
    assert not np.array_equal(before, store.pull(v))


def test_optimizers_of_tensors_are_each_their_own(store):
    w = store.get_variable("w", initializer=0.0)
    for rate in (1.0, 0.5, 0.25):
        with store.graph.as_default():
            tensor = varscope.compat.v1.constant(rate)
        # Gone after the call: another one may get its place in memory.
        store.push({w: 1.0}, optimizer=varscope.train.GradientDescentOptimizer(tensor))
    assert store.pull(w) == -1.75


def test_learning_rates_that_change_build_nothing(store):
    w = store.get_variable("w", initializer=0.0)
    store.push({w: 1.0}, optimizer=1.0)
    ops = len(store.graph.get_operations())
    for rate in (0.5, np.float32(0.25), np.array(0.125), 1):
        store.push({w: 1.0}, optimizer=rate)
    assert store.pull(w) == -2.875
    assert len(store.graph.get_operations()) == ops


def test_what_cannot_be_trained_leaves_checkpoints_alone(store, tmp_path):
    count = store.get_variable("count", initializer=np.array([1, 2], np.int32))
    half = store.get_variable("half", initializer=np.zeros(1, np.float16))
    for variable in (count, half):
        with pytest.raises(ValueError, match="optimizers update float32 and float64"):
            store.push({variable: store.pull(variable)}, optimizer=1.0)
    path = store.save(tmp_path / "all")
    store.assign({count: [0, 0]})
    store.restore(path)
    assert store.pull(count).tolist() == [1, 2]


def test_an_initializers_array_becomes_the_dtype(store):
    def ones(shape, dtype=None, partition_info=None):
        return np.ones(shape)
    assert store.pull(store.get_variable("w", [2], initializer=ones)).dtype == "float32"
    assert store.pull(store.get_variable("i", [2], "int64", ones)).dtype == "int64"


def test_options_that_there_are_not():
    with pytest.raises(TypeError, match="connect.. has no option 'time_out', but worker_id, sharing,"):
        varscope.connect(time_out=3)
    for option, value, kind in [("timeout", None, "float"), ("timeout", "3", "float"),
                                ("worker_id", 3, "str"), ("prefetch", "no", "bool"),
                                ("threads", 1.5, "int")]:
        with pytest.raises(TypeError, match=f"'{option}' is .*, and must be of type {kind}"):
            varscope.connect(**{option: value})
    assert varscope.connect(timeout=np.float64(3), prefetch=True, threads=2).list() == []


def test_arrays_that_are_dlpacks_alone(store):
    class Exported:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **keywords):
            return self.array.__dlpack__(**keywords)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()
    w = store.get_variable("w", initializer=np.zeros((2, 3), np.float32))
    given = np.arange(6, dtype=np.float64).reshape(3, 2).T[::-1]
    store.assign({w: Exported(given)})
    assert store.pull(w).tolist() == given.tolist()
    store.push({w: Exported(given)}, 1.0)
    assert not store.pull(w).any()
