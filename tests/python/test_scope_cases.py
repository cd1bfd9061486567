"""TensorFlow's own scope tests, by what they show. The numbers are those of the table in README.md."""

import numpy as np
import pytest

import varscope.compat.v1 as tf
from another_thread import in_thread


def initialized():
    """A session in which all variables have values."""
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return session


def value(x):
    return initialized().run(x)


def name_scope_of_op():
    """The name scope that ops get, seen on one."""
    return tf.no_op("at").name.rpartition("/")[0]


# 1, 3, 4: the store of one graph.


def test_1_the_same_name_is_the_same_variable():
    v = tf.get_variable("v", [1])
    with tf.variable_scope("", reuse=True):
        assert tf.get_variable("v", [1]) == v


def test_3_reuse_says_whether_a_name_may_exist():
    with tf.variable_scope("s", reuse=tf.AUTO_REUSE):
        w = tf.get_variable("w", [1])
        assert tf.get_variable("w", [1]) == w
    with tf.variable_scope("s"), pytest.raises(ValueError, match="w already exists"):
        tf.get_variable("w", [1])
    with tf.variable_scope("s", reuse=True), pytest.raises(ValueError, match="u does not exist"):
        tf.get_variable("u", [1])


def test_4_names_are_the_full_ones():
    names = [tf.get_variable("v0", [1]).name]
    with tf.variable_scope("a"):
        names.append(tf.get_variable("v1", [1]).name)
    assert names == ["v0:0", "a/v1:0"]
    assert [v.name for v in tf.global_variables()] == names


# 5 to 23: what scopes give to their variables.


def test_5_the_initializer_of_a_scope_reaches_its_variables():
    start = tf.constant_initializer(0.3)
    with tf.variable_scope("tower0", initializer=start) as tower:
        with tf.variable_scope("foo"):
            w = tf.get_variable("w", [])
        with tf.variable_scope(tower, initializer=tf.constant_initializer(0.9)):
            u = tf.get_variable("u", [])
    assert value([w, u]) == pytest.approx([0.3, 0.9])


def test_6_the_constraint_of_a_scope_reaches_its_variables():
    def first(x):
        return 0 * x

    def second(x):
        return 1 * x

    with tf.variable_scope("tower1", constraint=first) as tower:
        assert tower.constraint is first
        with tf.variable_scope("foo"):
            assert tf.get_variable("v", []).constraint is first
        with tf.variable_scope(tower, constraint=second):
            assert tf.get_variable("w", []).constraint is second
    assert tf.get_variable("u", []).constraint is None


def test_7_leaving_an_outer_scope_first_is_an_error():
    outer, inner = tf.variable_scope("outer"), tf.variable_scope("inner")
    outer.__enter__()
    inner.__enter__()
    with pytest.raises(RuntimeError):
        outer.__exit__(None, None, None)
        tf.get_variable("v", [1])
    tf.reset_default_graph()


def test_9_the_dtype_of_a_scope_reaches_its_variables():
    with tf.variable_scope("tower", dtype=tf.float16):
        w = tf.get_variable("w", [])
        with tf.variable_scope("inner"):
            u = tf.get_variable("u", [])
    assert w.dtype.base_dtype == u.dtype.base_dtype == tf.float16


def test_15_a_number_and_an_array_are_initializers():
    v = tf.get_variable("v", initializer=4, dtype=tf.int32)
    assert v.shape.as_list() == [] and v.dtype.base_dtype == tf.int32
    w = tf.get_variable("w", initializer=np.array([1, 2, 3]), dtype=tf.int64)
    assert w.shape.as_list() == [3] and w.dtype.base_dtype == tf.int64
    one, three = value([v, w])
    assert one == 4 and three.tolist() == [1, 2, 3]
    with pytest.raises(TypeError):
        tf.get_variable("x", initializer={"a": 1})


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "int64", "bool"])
def test_16_whole_numbers_and_truths_start_as_zeros(dtype):
    x = tf.get_variable("x", [3, 2], dtype=getattr(tf, dtype))
    y = tf.get_variable("y", [3, 2], dtype=getattr(tf, dtype), initializer=tf.zeros_initializer())
    first, second = value([x, y])
    assert first.dtype == dtype and not first.any()
    np.testing.assert_array_equal(first, second)


def test_18_regularization_losses_are_collected_once():
    def regularizer(v):
        return tf.reduce_mean(v) + 0.1

    with tf.variable_scope("tower3", regularizer=regularizer) as tower:
        with tf.variable_scope("foo"):
            w = tf.get_variable("w", [], initializer=tf.constant_initializer(0.4))
        with tf.variable_scope("foo", reuse=True):
            assert tf.get_variable("w", []) == w
        with tf.variable_scope("bar", regularizer=lambda v: tf.reduce_mean(v) + 0.2):
            tf.get_variable("u", [], initializer=tf.constant_initializer(0.3))
        with tf.variable_scope("baz", regularizer=tf.no_regularizer):
            tf.get_variable("t", [], initializer=tf.constant_initializer(0.3))
    assert tower.name == "tower3"
    losses = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    assert value(losses) == pytest.approx([0.5, 0.5])


def test_19_a_tensor_as_initializer_gives_shape_and_dtype():
    start = tf.constant(0.1)
    w = tf.get_variable("v", initializer=start)
    assert value(w) == pytest.approx(0.1)
    with pytest.raises(ValueError, match="shape"):
        tf.get_variable("u", [1], initializer=start)
    with tf.variable_scope("foo"), pytest.raises(ValueError, match="don't match"):
        tf.get_variable("x", initializer=tf.constant(0.1), dtype=tf.int32)


def test_20_initializing_does_not_run_a_control_dependency():
    v0 = tf.get_variable("v0", [1], initializer=tf.constant_initializer(0.0))
    with tf.control_dependencies([v0.assign([5.0])]):
        v1 = tf.get_variable("v1", [1], initializer=tf.constant_initializer(1.0))
        add = v1.value() + v0.value()
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    assert session.run(v0) == [0.0] and session.run(v1) == [1.0]
    assert session.run(add) == [6.0]


def test_23_the_current_scope_object_can_reuse():
    with tf.variable_scope("s"):
        v = tf.get_variable("v", [])
        tf.get_variable_scope().reuse_variables()
        assert tf.get_variable("v", []) == v
        assert tf.get_variable_scope().reuse is True
    assert not tf.get_variable_scope().reuse


# 24 to 44: names.


def test_24_names_of_nested_scopes():
    with tf.variable_scope("tower0") as tower:
        assert (tower.name, name_scope_of_op()) == ("tower0", "tower0")
        with tf.variable_scope("tower1") as inner:
            assert inner.name == "tower0/tower1"
            with tf.name_scope("scope2"):
                assert name_scope_of_op() == "tower0/tower1/scope2"
    with tf.variable_scope(tower), tf.name_scope("scope2"):
        assert name_scope_of_op() == "tower0_1/scope2"


def test_25_entering_again_makes_a_new_name_scope():
    with tf.name_scope("testVarScopeNameScope1"), tf.variable_scope("tower") as tower:
        assert tf.get_variable("w", []).name == "tower/w:0"
        assert name_scope_of_op() == "testVarScopeNameScope1/tower"
        with tf.variable_scope(tower):
            assert tf.get_variable("u", []).name == "tower/u:0"
            assert name_scope_of_op() == "testVarScopeNameScope1/tower/tower"
    with tf.name_scope("testVarScopeNameScope2"):
        with tf.variable_scope("tower", reuse=True):
            assert tf.get_variable("w", []).name == "tower/w:0"
            assert name_scope_of_op() == "testVarScopeNameScope2/tower"
        with tf.variable_scope(tower):
            assert name_scope_of_op() == "testVarScopeNameScope2/tower_1"
    root = tf.get_variable_scope()
    with tf.variable_scope(root), tf.name_scope("scope1"):
        assert name_scope_of_op() == "scope1"


def test_26_the_original_name_scope_stays():
    with tf.variable_scope("scope1") as scope1:
        assert name_scope_of_op() == "scope1"
    with tf.variable_scope(scope1) as again:
        assert again.original_name_scope == "scope1/"
        assert name_scope_of_op() == "scope1_1"
        with tf.name_scope(again.original_name_scope):
            assert name_scope_of_op() == "scope1"
    with tf.variable_scope("scope1") as new:
        assert new.original_name_scope == "scope1_2/"


def test_27_reuse_of_a_scope_object_cannot_be_undone():
    with tf.variable_scope("s") as scope:
        pass
    with tf.variable_scope(scope, reuse=True) as reusing:
        assert reusing.reuse is True
        with tf.variable_scope("inner", reuse=False) as inner:
            assert inner.reuse is True
    with tf.variable_scope(scope) as later:
        assert not later.reuse
    with tf.variable_scope(scope, reuse=False) as fresh:
        assert not fresh.reuse
        fresh.reuse_variables()
        assert fresh.reuse is True


def test_28_auto_reuse_creates_and_then_reuses():
    def get():
        with tf.variable_scope("s", reuse=tf.AUTO_REUSE):
            return tf.get_variable("v", [], initializer=tf.constant_initializer(-1.0))
    first = get()
    assert get() == first
    session = initialized()
    session.run(tf.assign(get(), 2.0))
    assert session.run(first) == 2.0


def test_29_the_form_with_a_default_name():
    with tf.name_scope("testVarOpScope1"), tf.variable_scope("tower", "default", []):
        assert tf.get_variable("w", []).name == "tower/w:0"
        assert name_scope_of_op() == "testVarOpScope1/tower"
    with tf.name_scope("testVarOpScope2"):
        with tf.variable_scope(None, "default", []):
            assert tf.get_variable("w", []).name == "default/w:0"
            assert name_scope_of_op() == "testVarOpScope2/default"
        with tf.variable_scope(None, "default", []):
            assert tf.get_variable("w", []).name == "default_1/w:0"
            assert name_scope_of_op() == "testVarOpScope2/default_1"
    with tf.variable_scope("tower", "default", []), pytest.raises(ValueError):
        tf.get_variable("w", [])


def test_30_default_names_where_one_begins_another():
    names = []
    with tf.variable_scope(None, "defaultScope1"):
        with tf.variable_scope(None, "layer"):
            names.append(tf.get_variable("w", []).name)
    with tf.variable_scope(None, "defaultScope1"):
        with tf.variable_scope(None, "layer"):
            names.append(tf.get_variable("w", []).name)
    with tf.variable_scope(None, "defaultScope"):
        with tf.variable_scope(None, "layer"):
            names.append(tf.get_variable("w", []).name)
    assert names == ["defaultScope1/layer/w:0", "defaultScope1_1/layer/w:0",
                     "defaultScope/layer/w:0"]


def test_31_numbering_goes_on_after_a_jump():
    names = []
    with tf.variable_scope("default") as default:
        for _ in range(2):
            with tf.variable_scope(None, "layer"):
                names.append(tf.get_variable("w", []).name)
        with tf.variable_scope(None, "layer"):
            pass
        with tf.variable_scope(default):
            pass
        with tf.variable_scope(None, "layer"):
            names.append(tf.get_variable("w", []).name)
    assert names == ["default/layer/w:0", "default/layer_1/w:0", "default/layer_3/w:0"]


def test_32_default_names_under_a_reused_scope_find_the_same():
    with tf.variable_scope("outer") as outer:
        with tf.variable_scope("tower", "default", []):
            assert tf.get_variable("w", []).name == "outer/tower/w:0"
        with tf.variable_scope(None, "default", []):
            made = tf.get_variable("w", [])
    with tf.variable_scope(outer, reuse=True):
        with tf.variable_scope("tower", "default", []):
            assert tf.get_variable("w", []).name == "outer/tower/w:0"
            assert name_scope_of_op() == "outer_1/tower"
        with tf.variable_scope(None, "default", []):
            assert tf.get_variable("w", []) == made
            assert name_scope_of_op() == "outer_1/default"


def test_33_get_and_reuse_across_scopes():
    with tf.variable_scope("root"):
        with tf.variable_scope("tower0") as tower0:
            v = tf.get_variable("v", [1])
            assert v.name == "root/tower0/v:0"
            with pytest.raises(ValueError):
                tf.get_variable("v", [1])
        with tf.variable_scope("tower1"), pytest.raises(ValueError, match="does not exist"):
            with tf.variable_scope("inner", reuse=True):
                tf.get_variable("x", [1])
        with tf.variable_scope("tower0", reuse=True):
            assert tf.get_variable("v", [1]) == v
        with tf.variable_scope(tower0, reuse=True):
            with pytest.raises(ValueError, match="shape"):
                tf.get_variable("v", [2])
            with pytest.raises(ValueError, match="dtype"):
                tf.get_variable("v", [1], dtype=tf.int32)


@pytest.mark.parametrize("form", ["name", "default"])
def test_34_and_38_an_outer_scope_object_is_entered_again(form):
    def entered(x, **options):
        if form == "name" or not isinstance(x, str):
            return tf.variable_scope(x, **options)
        return tf.variable_scope(None, x, [], **options)

    with tf.variable_scope("outer") as outer:
        pass
    with tf.variable_scope(outer):
        assert tf.get_variable("w", []).name == "outer/w:0"
        assert name_scope_of_op() == "outer_1"
        with entered("default"):
            assert tf.get_variable("w", []).name == "outer/default/w:0"
            assert name_scope_of_op() == "outer_1/default"
    with tf.variable_scope(outer, reuse=True):
        assert tf.get_variable("w", []).name == "outer/w:0"
        assert name_scope_of_op() == "outer_2"
        with entered("default"):
            assert tf.get_variable("w", []).name == "outer/default/w:0"
            assert name_scope_of_op() == "outer_2/default"


@pytest.mark.parametrize("form", ["name", "default"])
def test_35_and_39_it_is_entered_inside_itself(form):
    def entered(x, **options):
        if form == "name":
            return tf.variable_scope(x, **options)
        return tf.variable_scope(x, "default", [], **options)

    with tf.variable_scope("outer") as outer:
        with entered(outer):
            assert tf.get_variable("w", []).name == "outer/w:0"
            assert name_scope_of_op() == "outer/outer"
        with tf.variable_scope("default"):
            assert tf.get_variable("w", []).name == "outer/default/w:0"
            with entered(outer, reuse=True):
                assert tf.get_variable("w", []).name == "outer/w:0"
                assert name_scope_of_op() == "outer/default/outer"


def test_36_reuse_together_with_a_default_name():
    with tf.variable_scope("outer"):
        with tf.variable_scope("tower", "default", []):
            w = tf.get_variable("w", [])
        with tf.variable_scope("tower", "default", [], reuse=True):
            assert tf.get_variable("w", []) == w
        with tf.variable_scope("tower", "default", []) as live:
            live.reuse_variables()
            assert tf.get_variable("w", []) == w


def test_37_reuse_needs_a_name():
    with pytest.raises(ValueError), tf.variable_scope(None, "default", reuse=True):
        pass


def test_40_variables_without_a_name_scope():
    with tf.variable_scope("scope", auxiliary_name_scope=False) as scope:
        assert scope.original_name_scope == ""
        assert tf.get_variable("w", []).name == "scope/w:0"
        assert tf.constant([], name="c").name == "c:0"
    with tf.variable_scope(scope, auxiliary_name_scope=False):
        assert tf.get_variable("w1", []).name == "scope/w1:0"
        assert tf.constant([], name="c1").name == "c1:0"
    with tf.name_scope("scope"):
        assert tf.constant([], name="c").name == "scope/c:0"
    with tf.variable_scope("outer"):
        with tf.variable_scope("inner", auxiliary_name_scope=False) as inner:
            assert inner.original_name_scope == "outer/"
            assert tf.get_variable("w", []).name == "outer/inner/w:0"
            assert tf.constant([], name="c").name == "outer/c:0"


def test_41_the_same_with_a_default_name():
    with tf.variable_scope(None, default_name="default", auxiliary_name_scope=False) as scope:
        assert scope.original_name_scope == ""
        assert tf.get_variable("w", []).name == "default/w:0"
        assert tf.constant([], name="c").name == "c:0"
    with tf.name_scope("default"):
        assert tf.constant([], name="c").name == "default/c:0"
    with tf.variable_scope("outer"):
        with tf.variable_scope(None, default_name="default",
                               auxiliary_name_scope=False) as inner:
            assert inner.original_name_scope == "outer/"
            assert tf.get_variable("w", []).name == "outer/default/w:0"


def test_42_the_root_scope_is_entered_without_a_name_scope():
    root = tf.get_variable_scope()
    with tf.variable_scope(root, auxiliary_name_scope=False) as scope:
        assert scope.original_name_scope == ""
        assert tf.get_variable("w", []).name == "w:0"
        assert tf.constant([], name="c").name == "c:0"
    with tf.variable_scope("outer"):
        with tf.variable_scope(root, auxiliary_name_scope=False) as scope:
            assert scope.original_name_scope == ""
            assert tf.get_variable("w1", []).name == "w1:0"
            assert tf.constant([], name="c1").name == "outer/c1:0"


@pytest.mark.parametrize("arguments", [("scope",), (None, "scope"), None])
def test_43_auxiliary_name_scope_is_a_bool(arguments):
    given = (tf.get_variable_scope(),) if arguments is None else arguments
    with pytest.raises(TypeError, match="auxiliary_name_scope"):
        with tf.variable_scope(*given, auxiliary_name_scope="invalid"):
            pass


def test_44_entering_again_without_a_second_name_scope():
    with tf.variable_scope("jump") as scope:
        pass
    with tf.variable_scope(scope, auxiliary_name_scope=False) as again:
        with tf.name_scope(again.original_name_scope):
            assert tf.get_variable("w", []).name == "jump/w:0"
            assert tf.constant([], name="c").name == "jump/c:0"


# 45 to 52: collections.


def test_45_local_variables_follow_names_collections_and_reuse():
    with tf.variable_scope("outer") as outer:
        w = tf.get_local_variable("w", [], collections=["foo"])
        assert w.name == "outer/w:0"
    assert tf.local_variables() == [w] and tf.get_collection("foo") == [w]
    assert w not in tf.global_variables() and w not in tf.trainable_variables()
    with tf.variable_scope(outer, reuse=True):
        assert tf.get_local_variable("w", []) == w
        assert tf.get_local_variable("w", []) == tf.get_variable("w", [])


def test_46_both_getters_have_the_same_arguments():
    import inspect
    ours = [list(inspect.signature(f).parameters) for f in (tf.get_variable,
                                                            tf.get_local_variable)]
    assert ours[0] == ours[1]


def test_48_a_collection_below_a_scope():
    made = [tf.get_variable("a", [])]
    with tf.variable_scope("testGetCollection_foo_") as first:
        made.append(tf.get_variable("a", []))
    with tf.variable_scope("testGetCollection_foo"):
        made.append(tf.get_variable("a", []))
    key = tf.GraphKeys.GLOBAL_VARIABLES
    assert first.get_collection(key) == [made[1]]
    assert tf.get_variable_scope().get_collection(key) == made


def test_49_and_50_the_trainable_variables_of_a_scope():
    tf.get_variable("a", [])
    with tf.variable_scope("foo") as foo:
        b = tf.get_variable("b", [])
        tf.get_variable("c", [], trainable=False)
        d = tf.Variable(1.0, name="d")
        tf.Variable(1.0, name="e", trainable=False)
    assert foo.trainable_variables() == [b, d]


def test_49_what_is_only_read_together_is_not_trained():
    read, written = tf.VariableSynchronization.ON_READ, tf.VariableSynchronization.ON_WRITE
    with tf.variable_scope("foo") as foo:
        tf.get_variable("a", [], synchronization=read)
        b = tf.get_variable("b", [], synchronization=written)
        tf.get_variable("c", [], synchronization=read, trainable=False)
        with pytest.raises(ValueError, match="ON_READ only for non-trainable variables"):
            tf.get_variable("d", [], synchronization=read, trainable=True)
    assert foo.trainable_variables() == [b]


def test_50_variables_that_are_only_read_together_are_not_trained():
    with tf.variable_scope("foo") as foo:
        tf.Variable(1.0, name="a", synchronization=tf.VariableSynchronization.ON_READ)
        b = tf.Variable(1.0, name="b", aggregation=tf.VariableAggregation.MEAN)
        with pytest.raises(ValueError, match="ON_READ only for non-trainable variables"):
            tf.Variable(1.0, synchronization=tf.VariableSynchronization.ON_READ, trainable=True)
    assert foo.trainable_variables() == [b]


def test_51_the_global_variables_of_a_scope():
    tf.get_variable("a", [])
    with tf.variable_scope("foo") as foo:
        b = tf.get_variable("b", [])
    assert foo.global_variables() == [b]


def test_52_the_local_variables_of_a_scope():
    key = tf.GraphKeys.LOCAL_VARIABLES
    tf.get_variable("a", [], collections=[key])
    with tf.variable_scope("foo") as foo:
        b = tf.get_variable("b", [], collections=[key])
        tf.get_variable("c", [])
    assert foo.local_variables() == [b]


# 53 to 57: arguments of get_variable.


def test_53_a_variables_own_dtype_is_a_dtype():
    v = tf.get_variable("v", shape=[3, 4], dtype=tf.float32)
    assert tf.get_variable("u", shape=[3, 4], dtype=v.dtype).dtype == tf.float32


def test_54_a_function_without_arguments_is_an_initializer():
    v = tf.get_variable("foo", initializer=lambda: [2], dtype=tf.float32)
    assert v.name == "foo:0" and value(v).tolist() == [2.0]


def test_55_a_function_with_optional_arguments_is_one():
    def start(shape=None, dtype=tf.float32, partition_info=None):
        return [1]

    v = tf.get_variable("foo", initializer=start, dtype=tf.float32)
    assert v.name == "foo:0" and value(v).tolist() == [1.0]


def test_56_a_function_that_needs_an_argument_needs_a_shape():
    with pytest.raises(ValueError, match="shape"):
        tf.get_variable("foo", initializer=lambda val: [val], dtype=tf.float32)


def test_57_an_underscore_is_no_scope_name():
    with tf.Graph().as_default(), tf.Graph().as_default():
        with pytest.raises(ValueError, match="'_' is not a valid (root )?scope name"):
            with tf.variable_scope("_"):
                pass


# 58 to 66: partitioned variables.


def halves(axis=0):
    def partitioner(shape, dtype):
        parts = [1] * len(shape.as_list())
        parts[axis] = min(2, shape.as_list()[axis])
        return parts
    return partitioner


def test_58_names_of_a_partitioned_variable():
    v = tf.get_variable("name0", [3, 1, 1], partitioner=halves())
    assert v.name == "name0"
    assert [part.name for part in v] == ["name0/part_0:0", "name0/part_1:0"]


def test_59_another_partitioning_is_an_error():
    with tf.variable_scope("scope0", partitioner=halves()):
        tf.get_variable("name0", [3, 1, 1])
    with tf.variable_scope("scope0", partitioner=lambda shape, dtype: [3, 1, 1], reuse=True):
        with pytest.raises(ValueError, match="Trying to reuse partitioned variable .* but "
                           "specified partitions .* and found partitions"):
            tf.get_variable("name0", [3, 1, 1])


def test_60_and_61_reuse_returns_the_partitioned_variable():
    with tf.variable_scope("scope0", partitioner=halves()):
        v = tf.get_variable("name0", [3, 1, 1])
    with tf.variable_scope("scope0", reuse=True):
        again = tf.get_variable("name0")
        assert [part.name for part in again] == [part.name for part in v]
    with tf.variable_scope("scope0", partitioner=halves(), reuse=True):
        assert tf.get_variable("name0", [3, 1, 1]).name == "scope0/name0"


def test_63_a_scope_keeps_its_partitioner():
    first, second = halves(), halves(1)
    with tf.variable_scope("s0", partitioner=first) as s0:
        assert s0.partitioner is first
        with tf.variable_scope("inside") as inside:
            assert inside.partitioner is first
        with tf.variable_scope("other", partitioner=second) as other:
            assert other.partitioner is second
    with tf.variable_scope(s0) as again:
        assert again.partitioner is first
    with tf.variable_scope("s1") as s1:
        assert s1.partitioner is None


def test_64_a_scalar_is_not_partitioned():
    with tf.variable_scope("scope0", partitioner=halves()):
        v = tf.get_variable("name0", [])
        w = tf.get_variable("name1", [3, 1, 1])
    assert v.name == "scope0/name0:0" and not v.is_partitioned
    assert w.name == "scope0/name1" and w.is_partitioned


@pytest.mark.parametrize("axis, shapes", [(0, [[2, 2], [1, 2]]), (1, [[3, 1], [3, 1]])])
@pytest.mark.parametrize("use_resource", [None, True])
def test_65_and_66_parts_along_an_axis(axis, shapes, use_resource):
    with tf.variable_scope("root", partitioner=halves(axis), use_resource=use_resource):
        v = tf.get_variable("n", [3, 2])
    assert v.shape.as_list() == [3, 2] and v.as_tensor().shape.as_list() == [3, 2]
    assert [part.shape.as_list() for part in v] == shapes


# 68 to 74: getters.


def test_68_a_getter_is_callable():
    text = "custom_getter .*not callable:"
    with pytest.raises(ValueError, match=text):
        with tf.variable_scope("scope0", custom_getter=3):
            tf.get_variable("name0")
    with pytest.raises(ValueError, match=text):
        tf.get_variable("name0", [1], custom_getter=3)


def test_69_a_getter_that_only_passes_on_changes_nothing():
    calls = []

    def getter(inner, *args, **kwargs):
        calls.append(args)
        return inner(*args, **kwargs)

    with tf.variable_scope("scope", custom_getter=getter) as scope:
        v = tf.get_variable("v", [1])
    with tf.variable_scope(scope, reuse=True):
        assert tf.get_variable("v", [1]) == v
    with tf.variable_scope("new_scope", custom_getter=getter):
        assert tf.get_variable("v3", [1]).name == "new_scope/v3:0"
    assert v.name == "scope/v:0" and len(calls) == 3


def test_71_a_getter_may_return_another_tensor():
    def getter(inner, *args, **kwargs):
        return tf.identity(inner(*args, **kwargs), name="custom_getter/identity")

    with tf.variable_scope("scope", custom_getter=getter):
        v = tf.get_variable("v", [1])
    assert isinstance(v, tf.Tensor)
    assert [x.name for x in tf.global_variables()] == ["scope/v:0"]


def test_72_a_getter_that_makes_two_variables():
    def getter(inner, name, *args, **kwargs):
        a = inner(name + "/a", *args, **kwargs)
        return a + inner(name + "/b", *args, **kwargs)

    with tf.variable_scope("scope", custom_getter=getter):
        v = tf.get_variable("v", [1, 2, 3])
    assert v.shape.as_list() == [1, 2, 3]
    assert [x.name for x in tf.global_variables()] == ["scope/v/a:0", "scope/v/b:0"]
    total, a, b = value([v, *tf.global_variables()])
    np.testing.assert_allclose(total, a + b)


def test_73_nested_getters_compose():
    def summed(inner, name, *args, **kwargs):
        return inner(name + "/sum_0", *args, **kwargs) + inner(name + "/sum_1", *args, **kwargs)

    def multiplied(inner, name, *args, **kwargs):
        return inner(name + "/prod_0", *args, **kwargs) * inner(name + "/prod_1", *args, **kwargs)

    with tf.variable_scope("scope", custom_getter=summed):
        with tf.variable_scope("scope", custom_getter=multiplied):
            with tf.variable_scope("scope", custom_getter=summed):
                v = tf.get_variable("v", [1, 2, 3])
    names = [x.name for x in tf.global_variables()]
    assert names == [f"scope/scope/scope/v/sum_{i}/prod_{j}/sum_{k}:0"
                     for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    got, *parts = value([v, *tf.global_variables()])
    a, b, c, d, e, f, g, h = parts
    np.testing.assert_allclose(got, (a + b) * (c + d) + (e + f) * (g + h), rtol=1e-5)


def test_70_getters_are_told_of_synchronization_and_aggregation():
    told = []

    def getter(get, *arguments, **keywords):
        told.append((keywords["synchronization"], keywords["aggregation"]))
        return get(*arguments, **keywords)

    def changing(get, *arguments, **keywords):
        keywords["aggregation"] = tf.VariableAggregation.SUM
        return get(*arguments, **keywords)

    sync, aggregation = tf.VariableSynchronization, tf.VariableAggregation
    with tf.variable_scope("scope", custom_getter=getter):
        v = tf.get_variable("v", [2])
        tf.get_variable("w", [2], synchronization=sync.ON_READ, aggregation=aggregation.MEAN)
        with tf.variable_scope("inner", custom_getter=changing):
            tf.get_variable("x", [2])
    assert told == [(sync.AUTO, aggregation.NONE), (sync.ON_READ, aggregation.MEAN),
                    (sync.AUTO, aggregation.SUM)]
    with tf.variable_scope("scope", reuse=True):
        assert tf.get_variable("v") == v


def test_74_creators_see_and_change_what_is_made():
    seen = []

    def outer(next_creator, **kwargs):
        seen.append(kwargs["name"])
        return next_creator(**kwargs)

    def inner(next_creator, **kwargs):
        kwargs["name"] = "forced_name"
        return next_creator(**kwargs)

    with tf.variable_creator_scope(outer), tf.variable_creator_scope(inner):
        assert tf.Variable(1.0, name="one_name").name == "forced_name:0"
    assert seen == ["forced_name"]

    def third(next_creator, **kwargs):
        seen.append((kwargs["synchronization"], kwargs["aggregation"]))
        return next_creator(**{**kwargs, "trainable": False})

    given = tf.VariableSynchronization.ON_WRITE, tf.VariableAggregation.MEAN
    with tf.variable_creator_scope(third):
        v = tf.get_variable("v", [], synchronization=given[0], aggregation=given[1])
        with tf.variable_scope("", reuse=True):
            assert tf.get_variable("v", []) == v
    assert seen == ["forced_name", given]
    assert not v.trainable


def test_75_leaving_an_outer_creator_scope_first_is_an_error():
    def creator(next_creator, **kwargs):
        return next_creator(**kwargs)

    outer, inner = tf.variable_creator_scope(creator), tf.variable_creator_scope(creator)
    outer.__enter__()
    with inner, pytest.raises(RuntimeError, match="without proper nesting"):
        outer.__exit__(None, None, None)
    outer.__exit__(None, None, None)


def test_79_a_second_thread_cannot_create_the_name_again():
    graph = tf.get_default_graph()
    done = []

    def first():
        with tf.variable_scope("foo"):
            done.append(tf.get_variable("v", []))

    in_thread(first, graph)
    assert done[0].name == "foo/v:0"
    with pytest.raises(ValueError, match="already exists"):
        in_thread(first, graph)
