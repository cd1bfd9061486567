"""The store without a framework."""

import numpy as np
import pytest

import varscope
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


def test_snapshots(store, tmp_path):
    with pytest.raises(RuntimeError, match="varscopectl"):
        store.snapshot()
    with start_server("--data-dir", str(tmp_path)) as target:
        durable = varscope.connect(target)
        durable.get_variable("w", [2])
        assert durable.snapshot("first").startswith(str(tmp_path))


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
