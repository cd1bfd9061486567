"""What a store takes as a first value, and what it says of the others."""

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

import varscope
import varscope.compat.v1 as tf
import varscope.jax

LARGE = 100_000  # elements that do not travel with the definition


@pytest.fixture
def store():
    return varscope.connect()


def given(value):
    """As an initializer's function gives it."""
    return lambda shape, dtype=None, partition_info=None: value


BAD = [np.nan, np.inf, -np.inf, 1e300]


@pytest.mark.parametrize("bad", BAD)
def test_what_is_not_finite_is_no_first_value(store, bad):
    small, large = np.zeros(3, np.float32), np.zeros(LARGE)
    with np.errstate(over="ignore"):
        small[1] = large[-1] = bad
    wide = dict(dtype="float32") if bad == 1e300 else {}
    makes = [lambda: store.get_variable("w", initializer=float(bad)),
             lambda: store.get_variable("w", initializer=small),
             lambda: store.get_variable("w", initializer=large, **wide),
             lambda: store.get_variable("w", [3], initializer=given(small)),
             lambda: store.get_variable("w", initializer=small.astype(ml_dtypes.bfloat16)),
             lambda: store.get_variable("w", initializer=small.astype(np.float16)),
             lambda: store.Variable(small, name="w")]
    for make in makes:
        with pytest.raises(varscope.errors.InvalidArgumentError,
                           match="the first value of variable 'w' has (NaN|an infinity) at element"):
            make()
    assert store.list() == []


def test_the_element_is_named(store):
    value = np.zeros((2, 3))
    value[1, 1] = np.nan
    with store.variable_scope("model"), pytest.raises(
            varscope.errors.InvalidArgumentError, match="'model/w' has NaN at element 4 of 6"):
        store.get_variable("w", initializer=value)


@pytest.mark.parametrize("bad", [np.full(LARGE, np.nan, np.float32), np.float32("nan")])
def test_the_line_may_be_run_again_with_a_better_value(store, bad):
    with pytest.raises(varscope.errors.InvalidArgumentError):
        store.get_variable("w", initializer=bad)
    good = np.ones(np.shape(bad), np.float32)
    for _ in range(2):
        w = store.get_variable("w", initializer=good)
    np.testing.assert_array_equal(store.pull(w), good)


def test_no_variable_waits_for_another_ones_first_value(store):
    with store.graph.as_default():
        tf.get_variable("unfit", initializer=np.full(LARGE, np.nan, np.float32))
    w = store.get_variable("w", initializer=np.ones(LARGE, np.float32))
    v = store.Variable(np.ones(LARGE, np.float32), name="v")
    assert store.pull([w, v])[1].sum() == LARGE


def test_a_line_that_is_run_again_adds_nothing(store):
    counts = []
    for _ in range(3):
        store.get_variable("w", initializer=np.ones(LARGE, np.float32))
        counts.append(len(store.graph.get_operations()))
    assert counts[1] == counts[2]


@pytest.mark.parametrize("value, error, text", [
    ("zeros", TypeError, "'zeros', of NumPy's dtype"), (1j, TypeError, "complex128"),
    (b"abc", TypeError, "b'abc'"), ({"a": 1}, TypeError, "object"),
    ([[1, 2], [3]], ValueError, "is no array"),
    (np.array(["2020-01-01"], "M8[D]"), TypeError, "datetime64"),
    (np.longdouble(1), TypeError, "which no variable has"),
    (np.ma.array([1.0, 2.0], mask=[False, True]), TypeError, "masked")])
def test_what_is_no_array_of_numbers(store, value, error, text):
    for make in (store.get_variable, lambda name, initializer: store.Variable(initializer, name)):
        with pytest.raises(error, match=f"the first value of variable 'w' .*{text}"):
            make("w", initializer=value)
    assert store.list() == []


def test_numbers_that_a_dtype_does_not_have(store):
    with pytest.raises(TypeError, match="'w' has 1.5, which is no int32"):
        store.get_variable("w", dtype="int32", initializer=np.array([1.0, 1.5]))
    with pytest.raises(TypeError, match="'w' has 300, which is no int8"):
        store.get_variable("w", dtype="int8", initializer=[300])


@pytest.mark.parametrize("value, dtype", [
    (np.float64(3), "float64"), (3.0, "float32"), (3, "int32"), (True, "bool"), (range(3), "int32"),
    (np.arange(3, dtype=">f4"), "float32"), (np.arange(12.0).reshape(3, 4).T[::2], "float64"),
    (memoryview(b"abc"), "uint8"), (np.zeros((0, 3), np.float16), "float16"),
    (np.ones(2, ml_dtypes.bfloat16), "bfloat16")])
def test_first_values_of_all_kinds(store, value, dtype):
    w = store.get_variable("w", initializer=value)
    assert w.dtype == dtype
    np.testing.assert_array_equal(store.pull(w), np.asarray(value))


def test_a_function_keeps_its_signature(store):
    assert store.pull(store.get_variable("w", initializer=lambda: [1.0, 2.0])).tolist() == [1, 2]
    with pytest.raises(ValueError, match="needs|expects"):
        store.get_variable("v", initializer=lambda shape, dtype=None: np.ones(shape))


@pytest.mark.parametrize("value", [np.ones((3, 2)), np.ones(6), 1.0, np.ones((1, 2, 3))])
def test_a_function_gives_the_shape_that_it_is_asked_for(store, value):
    for get in (store.get_variable, tf.get_variable):
        with pytest.raises(ValueError, match=r"variable 'w' has the shape \(2, 3\), and its "
                                             r"initializer gave a value of the shape \("):
            get("w", [2, 3], initializer=given(value))
    assert store.list() == []


def test_a_function_gives_a_tensor_of_the_shape(store):
    with pytest.raises(ValueError, match=r"gave a value of the shape \(7,\)"):
        tf.get_variable("w", [2], initializer=lambda shape, dtype=None: tf.ones([7]))
    made = tf.get_variable("w", [2], initializer=lambda shape, dtype=None: tf.ones(shape))
    assert made.shape.as_list() == [2]


def test_a_function_that_gives_nothing(store):
    for get in (store.get_variable, tf.get_variable):
        with pytest.raises(ValueError, match="None values not supported: variable 'w'"):
            get("w", [2], initializer=given(None))


def test_what_a_custom_getter_returns_has_its_value(store):
    with store.variable_scope("s", custom_getter=lambda getter, *a, **k: tf.identity(getter(*a, **k))):
        doubled = store.get_variable("w", initializer=np.full(LARGE, 2.0, np.float32))
    assert store.session.run(doubled)[0] == 2


@pytest.mark.parametrize("other, text", [
    (np.zeros(4, np.float32), r"specified shape \(4,\) and found shape \(3,\)"),
    (np.zeros((3, 1), np.float32), r"specified shape \(3, 1\)"), (1.0, r"specified shape \(\)"),
    (np.zeros(3), "specified dtype float64 and found dtype float32"),
    (np.zeros(3, np.int64), "specified dtype int64")])
def test_another_value_is_an_error_in_the_connection_that_has_the_variable(store, other, text):
    w = store.get_variable("w", initializer=np.ones(3, np.float32))
    for connection in (store, varscope.connect(store.target)):
        with pytest.raises(ValueError, match=f"Trying to share variable w, but {text}"):
            connection.get_variable("w", initializer=other)
    assert store.get_variable("w", initializer=np.zeros(3, np.float32)) == w
    assert store.get_variable("w", initializer=[0.0, 0.0, 0.0]) == w
    assert store.get_variable("w") == w
    assert store.pull(w).tolist() == [1, 1, 1]


def test_another_model_is_an_error_in_the_connection_that_has_its_name(store):
    varscope.jax.share({"w": jnp.ones(3)}, store, "model")
    with pytest.raises(ValueError, match=r"parameter 'w': .* specified shape \(4,\)"):
        varscope.jax.share({"w": jnp.ones(4)}, store, "model")
    with pytest.raises(varscope.errors.InvalidArgumentError, match="parameter 'b' has NaN at element 1 of 2"):
        varscope.jax.share({"b": jnp.array([1, jnp.nan])}, store, "model")
