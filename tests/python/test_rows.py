"""Rows of a store's variable, without the rest of it."""

import numpy as np
import pytest

import varscope

TABLE = np.arange(40000, dtype=np.float32).reshape(10000, 4)


@pytest.fixture
def store():
    return varscope.connect()


@pytest.mark.parametrize("rows", [[3, 7], [7, 3, 7], [[1, 2], [3, 4]], 5, [], [9999, 0], range(6000),
                                  np.arange(10)[::-2], np.array([1, 2], ">i4"), np.uint8(200)])
def test_rows_in_the_shape_of_their_numbers(store, rows):
    table = store.get_variable("table", initializer=TABLE)
    pulled = store.pull_rows(table, rows)
    expected = TABLE[np.asarray(rows, np.int64)]
    assert pulled.shape == expected.shape and pulled.dtype == np.float32
    np.testing.assert_array_equal(pulled, expected)


@pytest.mark.parametrize("dtype", ["int8", "bool", "float64", "float16"])
def test_rows_of_any_dtype(store, dtype):
    value = (np.arange(200000) % 2).astype(dtype).reshape(-1, 2, 2)
    variable = store.get_variable("v", initializer=value)
    np.testing.assert_array_equal(store.pull_rows(variable, [5, 1]), value[[5, 1]])


def test_the_rest_does_not_travel(server):
    def bytes_of_loopback():
        with open("/proc/net/dev") as lines:
            return next(int(line.split()[1]) for line in lines if line.strip().startswith("lo:"))
    store = varscope.connect(server, transport="target")
    table = store.get_variable("table", initializer=np.zeros((100000, 64), np.float32))
    store.pull_rows(table, [1])
    before = bytes_of_loopback()
    for _ in range(5):
        store.push({table: varscope.IndexedSlices(np.ones((2, 64)), [1, 2])}, 1.0)
        store.pull_rows(table, [1, 2, 3])
    # The table has 25.6 MB. Others may use the loopback, too.
    assert bytes_of_loopback() - before < 25e6
    assert store.pull_rows(table, [1, 3])[:, 0].tolist() == [-5, 0]


def test_lookups_build_nothing_the_second_time(store):
    table = store.get_variable("table", initializer=TABLE)
    store.pull_rows(table, [1])
    ops = len(store.graph.get_operations())
    for rows in ([2], [[3, 4]], 5):
        store.pull_rows(table, rows)
    assert len(store.graph.get_operations()) == ops


@pytest.mark.parametrize(("rows", "error", "said"), [
    ([0.5], TypeError, "the rows of variable 'table' are numbers of rows, not float64"),
    ([True], TypeError, "numbers of rows, not bool"),
    (["1"], TypeError, "numbers of rows, not str32"),
    (None, TypeError, "is None"),
    (np.array([2**63], np.uint64), TypeError, "which is no int64"),
    ([10000], varscope.errors.InvalidArgumentError, "10000 is not in"),
    ([-1], varscope.errors.InvalidArgumentError, "-1 is not in"),
])
def test_numbers_that_are_no_rows(store, rows, error, said):
    with pytest.raises(error, match=said):
        store.pull_rows(store.get_variable("table", initializer=TABLE), rows)


def test_what_has_no_rows(store):
    scalar = store.get_variable("scalar", initializer=1.0)
    with pytest.raises(ValueError, match=r"'scalar': it has the shape \(\), and no rows"):
        store.pull_rows(scalar, [0])
    with pytest.raises(TypeError, match="takes variables, .* not 'scalar'"):
        store.pull_rows("scalar", [0])
    table = store.get_variable("table", initializer=TABLE)
    store.close()
    with pytest.raises(RuntimeError, match="closed"):
        store.pull_rows(table, [0])
