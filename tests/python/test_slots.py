"""What optimizers keep is there under TensorFlow's names: in lists and sessions."""

import numpy as np
import pytest
from conftest import run_program
from slot_programs import RECORDED, names_made

import varscope.compat.v1 as tf

# What TensorFlow 2.21 has after model() and an optimizer's minimize(): the order, and for each slot its
# name and an element of it, first and after two steps. Non-slot variables have no name.
KEPT = {
    "Adam": (lambda: tf.train.AdamOptimizer(0.1), [
        ("", "beta1_power", 0.9, 0.7289999), ("", "beta2_power", 0.999, 0.9970031),
        ("m", "w/Adam", 0, 0.36000007), ("v", "w/Adam_1", 0, 0.00723591),
        ("m", "b/Adam", 0, 0.38000008), ("v", "b/Adam_1", 0, 0.0079959)]),
    "Momentum": (lambda: tf.train.MomentumOptimizer(0.1, 0.9), [
        ("momentum", "w/Momentum", 0, 3.4), ("momentum", "b/Momentum", 0, 3.8)]),
    "RMSProp": (lambda: tf.train.RMSPropOptimizer(0.1), [
        ("rms", "w/RMSProp", 1, 1.4419786), ("momentum", "w/RMSProp_1", 0, 0.13733709),
        ("rms", "b/RMSProp", 1, 1.5700002), ("momentum", "b/RMSProp_1", 0, 0.15961738)]),
    "centered": (lambda: tf.train.RMSPropOptimizer(0.1, centered=True, momentum=0.5), [
        ("rms", "w/RMSProp", 1, 1.4401592), ("mg", "w/RMSProp_1", 0, 0.34436524),
        ("momentum", "w/RMSProp_2", 0, 0.2320635), ("rms", "b/RMSProp", 1, 1.5700002),
        ("mg", "b/RMSProp_1", 0, 0.38000008), ("momentum", "b/RMSProp_2", 0, 0.25659338)]),
    "Adagrad": (lambda: tf.train.AdagradOptimizer(0.1), [
        ("accumulator", "w/Adagrad", 0.1, 7.3488407), ("accumulator", "b/Adagrad", 0.1, 8.1)]),
    "Adadelta": (lambda: tf.train.AdadeltaOptimizer(0.1), [
        ("accum", "w/Adadelta", 0, 0.38998222),
        ("accum_update", "w/Adadelta_1", 0, 1.9755962e-08),
        ("accum", "b/Adadelta", 0, 0.3900001),
        ("accum_update", "b/Adadelta_1", 0, 1.9756408e-08)]),
    "Ftrl": (lambda: tf.train.FtrlOptimizer(0.1), [
        ("accum", "w/Ftrl", 0.1, 6.3204174), ("linear", "w/Ftrl_1", 0, -17.24086),
        ("accum", "b/Ftrl", 0.1, 8.1), ("linear", "b/Ftrl_1", 0, -19.204588)]),
    "GradientDescent": (lambda: tf.train.GradientDescentOptimizer(0.1), []),
}


def model(dtype=tf.float32):
    w = tf.get_variable("w", [2, 3], dtype, tf.ones_initializer())
    b = tf.get_variable("b", [3], dtype, tf.ones_initializer())
    return tf.reduce_sum(tf.square(w) + b)


def adam():
    loss = model()
    optimizer = tf.train.AdamOptimizer(0.1)
    return optimizer, optimizer.minimize(loss), tf.trainable_variables()[0]


def names(variables):
    return [v.op.name for v in variables]


def first_elements(session, variables):
    return [float(np.ravel(x)[0]) for x in session.run(list(variables))]


@pytest.mark.parametrize("kind", KEPT)
def test_slots_have_tensorflows_names_order_and_values(kind):
    make, recorded = KEPT[kind]
    loss, optimizer = model(), make()
    assert optimizer.variables() == [] and optimizer.get_slot_names() == []
    train = optimizer.minimize(loss)
    w, b = tf.trainable_variables()
    expected = [name for _, name, _, _ in recorded]
    slots = tf.global_variables()[2:]
    assert names(slots) == expected and names([w, b]) == ["w", "b"]
    assert names(optimizer.variables()) == sorted(expected)
    assert optimizer.get_slot_names() == sorted({state for state, *_ in recorded if state})
    for (state, name, _, _), slot in zip(recorded, slots):
        primary = {"w": w, "b": b}.get(name.partition("/")[0])
        assert slot.name == name + ":0" and slot.dtype.base_dtype == tf.float32
        assert not slot.trainable
        assert slot.shape.as_list() == (primary.shape.as_list() if primary is not None else [])
        if state:
            assert optimizer.get_slot(primary, state) == slot
    assert optimizer.get_slot(w, "none") is None
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert first_elements(session, slots) == pytest.approx([x for *_, x, _ in recorded])
        session.run(train)
        session.run(train)
        assert first_elements(session, slots) == pytest.approx([x for *_, x in recorded], rel=1e-5)


@pytest.mark.parametrize("number", RECORDED)
def test_programs_of_optimizers_make_what_tensorflow_makes(number):
    try:
        made = names_made(tf, number)
    except ValueError:
        made = "ValueError"
    assert made == RECORDED[number]


def test_a_second_optimizer_has_slots_of_its_own_and_a_second_step_the_same():
    loss, first, second = model(), tf.train.AdamOptimizer(0.1), tf.train.AdamOptimizer(0.2)
    first.minimize(loss)
    second.minimize(loss)
    expected = ["beta1_power_1", "beta2_power_1", "w/Adam_2", "w/Adam_3", "b/Adam_2", "b/Adam_3"]
    assert names(tf.global_variables()[8:]) == expected
    first.minimize(loss)
    assert len(tf.global_variables()) == 14
    assert names(second._get_beta_accumulators()) == expected[:2]


class Signs(tf.train.Optimizer):
    """A program's own, whose slots are variables of the graph."""

    def __init__(self):
        super().__init__(False, "Signs")

    def _create_slots(self, var_list):
        for var in var_list:
            self._zeros_slot(var, "last", self._name)

    def _apply_dense(self, grad, var):
        return self.get_slot(var, "last").assign(tf.sign(grad))


@pytest.mark.parametrize("make, state", [
    (lambda: tf.train.AdamOptimizer(0.1), "v"), (Signs, "last"),
    (lambda: tf.train.SyncReplicasOptimizer(tf.train.AdamOptimizer(0.1), 1), "m")])
def test_one_slot_is_found_without_a_list_of_all(make, state):
    loss, optimizer = model(), make()
    optimizer.minimize(loss, tf.train.get_or_create_global_step())
    variables = tf.trainable_variables()
    slots = [optimizer.get_slot(variable, state) for variable in variables]
    every = optimizer._kept()
    for owner in (optimizer, getattr(optimizer, "_opt", optimizer)):
        owner._kept = pytest.fail
    assert [optimizer.get_slot(variable, state) for variable in variables] == slots
    assert slots == [slot.variable for slot in every if slot.state == state]
    assert optimizer.get_slot(slots[0], state) is None
    with tf.Graph().as_default():
        assert optimizer.get_slot(tf.get_variable("w", [2, 3]), state) is None


def test_doubles_keep_doubles():
    optimizer = tf.train.AdamOptimizer(0.1)
    optimizer.minimize(model(tf.float64))
    assert [v.dtype.base_dtype.name for v in tf.global_variables()[2:]] == (
        ["float32"] * 2 + ["float64"] * 4)


def test_parts_and_rows_have_slots(tmp_path):
    w = tf.get_variable("w", [4, 2], partitioner=tf.fixed_size_partitioner(2))
    table = tf.get_variable("table", [5, 2], initializer=tf.ones_initializer())
    optimizer = tf.train.MomentumOptimizer(0.1, 0.9)
    train = optimizer.minimize(
        tf.reduce_sum(tf.convert_to_tensor(w)) + tf.reduce_sum(tf.gather(table, [1, 3])))
    assert names(tf.global_variables()[3:]) == [
        "w/part_0/Momentum", "w/part_1/Momentum", "table/Momentum"]
    assert [optimizer.get_slot(part, "momentum").op.name for part in w] == [
        "w/part_0/Momentum", "w/part_1/Momentum"]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        got = session.run(optimizer.get_slot(table, "momentum"))
        assert got[:, 0].tolist() == [0, 1, 0, 1, 0]
        saver, before = tf.train.Saver(), session.run(tf.global_variables())
        path = saver.save(session, str(tmp_path / "m"))
        assert tf.train.list_variables(path) == [
            ("table", [5, 2]), ("table/Momentum", [5, 2]), ("w", [4, 2]), ("w/Momentum", [4, 2])]
        session.run(train)
        saver.restore(session, path)
        for now, then in zip(session.run(tf.global_variables()), before):
            assert now.tolist() == then.tolist()


def test_slots_made_in_a_branch():
    optimizer, loss = tf.train.AdamOptimizer(0.1), model()
    pairs = optimizer.compute_gradients(loss)
    choice = tf.placeholder(tf.bool, [])
    train = tf.cond(choice, lambda: tf.group(optimizer.apply_gradients(pairs)), tf.no_op)
    slot = optimizer.get_slot(pairs[0][1], "m")
    assert slot.op.name == "w/Adam"
    assert names(tf.global_variables()[2:4]) == ["cond/beta1_power", "cond/beta2_power"]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train, {choice: False})
        assert session.run(slot)[0, 0] == 0
        session.run(train, {choice: True})
        assert session.run(slot)[0, 0] == pytest.approx(0.2)


def test_they_are_in_no_list_of_what_is_trained_and_in_those_by_scope_and_suffix():
    with tf.variable_scope("s"):
        optimizer, _, _ = adam()
    assert names(tf.trainable_variables()) == ["s/w", "s/b"]
    assert names(tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope="s/b")) == [
        "s/b", "s/beta1_power", "s/beta2_power"]
    assert [v.op.name for v in tf.global_variables() if "Adam_1" in v.name] == [
        "s/s/w/Adam_1", "s/s/b/Adam_1"]
    assert names(tf.contrib.framework.get_variables("s", suffix="Adam")) == [
        "s/s/w/Adam", "s/s/b/Adam"]
    slot = optimizer.get_slot(tf.trainable_variables()[0], "v")
    assert tf.get_default_graph().get_operation_by_name("s/s/w/Adam_1") == slot.op


def test_nothing_is_there_before_an_initializer_ran():
    optimizer, train, w = adam()
    slot = optimizer.get_slot(w, "m")
    missing, there = tf.report_uninitialized_variables(), tf.is_variable_initialized(slot)
    with tf.Session() as session:
        with pytest.raises(tf.errors.FailedPreconditionError,
                           match="Attempting to use uninitialized value w/Adam: "):
            session.run(slot)
        assert set(session.run(missing)) >= {
            b"beta1_power", b"beta2_power", b"w/Adam", b"w/Adam_1", b"b/Adam", b"b/Adam_1"}
        assert not session.run(there)
        session.run(tf.global_variables_initializer())
        assert session.run(missing).size == 0 and session.run(there)
        assert session.run(slot)[0, 0] == 0
        session.run(train)
        session.run(tf.global_variables_initializer())
        assert session.run(slot)[0, 0] == pytest.approx(0.2)


def test_an_initializer_of_slots_alone_resets_them():
    optimizer, train, w = adam()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        trained = session.run(w)
        for again in (tf.variables_initializer(optimizer.variables()),
                      [v.initializer for v in optimizer.variables()]):
            session.run(again)
            assert first_elements(session, optimizer.variables()) == pytest.approx(
                [0, 0, 0.9, 0.999, 0, 0])
            assert (session.run(w) == trained).all()
            session.run(train)
            trained = session.run(w)


def test_a_slot_may_be_read_assigned_and_computed_with():
    optimizer, train, w = adam()
    slot = optimizer.get_slot(w, "m")
    norm = tf.norm(slot)
    with tf.control_dependencies([train]):
        after = slot.read_value()
    with tf.Session() as session:
        assert session.run(after)[0, 0] == pytest.approx(0.2)  # the step made it
        session.run(slot.assign(np.full([2, 3], 3.0)))
        assert session.run(norm) == pytest.approx(np.sqrt(54))
        session.run(slot.assign_add(np.ones([2, 3])))
        session.run(train)
        assert session.run(slot)[0, 0] == pytest.approx(0.9 * 4 + 0.1 * 1.8)
        slot.load(np.zeros([2, 3]), session)
        assert session.run(slot).tolist() == [[0] * 3] * 2
    assert slot.initial_value.tolist() == [[0] * 3] * 2


def test_an_assignment_to_a_slot_makes_it():
    optimizer, _, w = adam()
    with tf.Session() as session:
        session.run(optimizer.get_slot(w, "v").assign(np.ones([2, 3])))
        assert session.run(optimizer.get_slot(w, "v")).sum() == 6
        assert session.run(optimizer.get_slot(w, "m")).sum() == 0


def test_wrappers_have_the_slots_of_what_they_wrap():
    loss, step = model(), tf.train.get_or_create_global_step()
    inner = tf.train.AdamOptimizer(0.1)
    optimizer = tf.train.SyncReplicasOptimizer(inner, replicas_to_aggregate=1)
    optimizer.minimize(loss, global_step=step)
    assert names(tf.global_variables()) == [
        "w", "b", "global_step", "beta1_power", "beta2_power", "w/Adam", "w/Adam_1", "b/Adam",
        "b/Adam_1"]
    assert optimizer.get_slot(tf.trainable_variables()[0], "m").op.name == "w/Adam"
    assert optimizer.variables() == inner.variables() and optimizer.get_slot_names() == ["m", "v"]


def test_averages_restore_slots_too():
    tf.train.MomentumOptimizer(0.1, 0.9).minimize(model())
    average = tf.train.ExponentialMovingAverage(0.9)
    average.apply(tf.trainable_variables())
    assert sorted(average.variables_to_restore()) == [
        "b/ExponentialMovingAverage", "b/Momentum", "w/ExponentialMovingAverage", "w/Momentum"]


def test_names_under_a_custom_getter():
    def prefixed(getter, name, *arguments, **keywords):
        return getter("x_" + name, *arguments, **keywords)

    with tf.variable_scope("s", custom_getter=prefixed):
        loss = model()
    tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
    assert names(tf.global_variables()) == ["x_s/w", "x_s/b", "x_s/w/Momentum", "x_s/b/Momentum"]


def test_layers_know_their_own_variables_alone():
    layer = tf.layers.Dense(2)
    made = layer(tf.ones([1, 3]))
    tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(made))
    assert names(layer.variables) == ["dense/kernel", "dense/bias"]


OTHER = """
import numpy as np
import varscope.compat.v1 as tf
with tf.variable_scope({scope!r}):
    w = tf.get_variable("w", [2], initializer=tf.ones_initializer())
    optimizer = tf.train.AdamOptimizer(0.1)
with tf.variable_scope(tf.get_variable_scope()):
    train = optimizer.minimize(tf.reduce_sum(w))
beta, slot = optimizer._get_beta_accumulators()[0], optimizer.get_slot(w, "m")
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    before = session.run([beta, slot])
    session.run(train)
    after = session.run([beta, slot])
    path = tf.train.Saver().save(session, {path!r})
    session.run(train)
    tf.train.Saver().restore(session, path)
    print([round(float(np.ravel(x)[0]), 5) for x in before + after + session.run([beta, slot])])
    print(sorted(name for name, _ in tf.train.list_variables(path)))
"""


def test_programs_that_share_a_variable_share_its_slots(server, tmp_path):
    first, second = [run_program(OTHER.format(scope="", path=str(tmp_path / str(k))), target=server,
                                 VARSCOPE_SHARING="replicated") for k in range(2)]
    listed = "['beta1_power', 'beta2_power', 'w', 'w/Adam', 'w/Adam_1']"
    assert (first.stderr, second.stderr) == ("", "")
    assert first.stdout.splitlines() == ["[0.9, 0.0, 0.81, 0.1, 0.81, 0.1]", listed]
    assert second.stdout.splitlines() == ["[0.81, 0.1, 0.729, 0.19, 0.729, 0.19]", listed]


def test_another_program_has_its_own_under_the_same_names(server, tmp_path):
    """Its beta1_power is another variable of the store than the first program's."""
    first, second = [run_program(OTHER.format(scope=scope, path=str(tmp_path / scope)),
                                 target=server) for scope in "ab"]
    assert (first.stderr, second.stderr) == ("", "")
    for scope, done in (("a", first), ("b", second)):
        assert done.stdout.splitlines() == [
            "[0.9, 0.0, 0.81, 0.1, 0.81, 0.1]",
            str(sorted(["beta1_power", "beta2_power", f"{scope}/w", f"{scope}/w/Adam",
                        f"{scope}/w/Adam_1"]))]
