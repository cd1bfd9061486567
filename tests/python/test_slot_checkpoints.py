"""What optimizers keep in checkpoints and in graphs' files."""

import numpy as np
import pytest
from conftest import FOLDER
from test_slots import adam, first_elements, model, names

import varscope.compat.v1 as tf

CHECKPOINTS = FOLDER.parent / "unit" / "data" / "checkpoints"


def test_checkpoints_have_them_under_their_names(tmp_path):
    optimizer, train, w = adam()
    every = sorted(names(tf.global_variables()))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        saver, values = tf.train.Saver(), first_elements(session, tf.global_variables())
        path = saver.save(session, str(tmp_path / "m"))
        assert [name for name, _ in tf.train.list_variables(path)] == every
        session.run(train)
        saver.restore(session, path)
        assert first_elements(session, tf.global_variables()) == values
        own = [v for v in tf.global_variables() if "Adam" not in v.name]
        without = tf.train.Saver(own).save(session, str(tmp_path / "without"))
        assert [name for name, _ in tf.train.list_variables(without)] == sorted(names(own))
        one = tf.train.Saver([optimizer.get_slot(w, "m")]).save(session, str(tmp_path / "one"))
        assert tf.train.list_variables(one) == [("w/Adam", [2, 3])]
        with pytest.raises(tf.errors.NotFoundError, match="Key b/Adam not found in checkpoint"):
            saver.restore(session, without)
    tf.reset_default_graph()
    optimizer, _, w = adam()
    with tf.Session() as session:
        tf.train.Saver([optimizer.get_slot(w, "m")]).restore(session, one)
        assert session.run(optimizer.get_slot(w, "m"))[0, 0] == pytest.approx(values[4])
        assert session.run(optimizer.get_slot(w, "v")).sum() == 0


def test_what_nobody_has_made_yet_is_not_saved(tmp_path):
    optimizer, _, w = adam()
    with tf.Session() as session:
        path = tf.train.Saver().save(session, str(tmp_path / "m"))
        assert [name for name, _ in tf.train.list_variables(path)] == ["b", "w"]
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value w/Adam"):
            tf.train.Saver([optimizer.get_slot(w, "m")]).save(session, str(tmp_path / "m"))


def test_tensorflows_checkpoint_of_scoped_optimizers_goes_on():
    """tests/unit/data/checkpoints/write.py has TensorFlow save it."""
    with tf.variable_scope("in"):
        w = tf.get_variable("w", [2])
    loss = tf.reduce_sum(tf.square(w))
    first, second = tf.train.AdamOptimizer(0.1), tf.train.AdamOptimizer(0.1)
    with tf.name_scope("train"):
        steps = [first.minimize(loss)]
    with tf.variable_scope("opt"):
        steps.append(second.minimize(loss))
    path = str(CHECKPOINTS / "slots.ckpt")
    assert sorted(names(tf.global_variables())) == [name for name, _ in tf.train.list_variables(path)]
    with tf.Session() as session:
        tf.train.Saver().restore(session, path)
        assert session.run(first._get_beta_accumulators()[0]) == pytest.approx(0.729)
        assert session.run(second.get_slot(w, "v"))[0] == pytest.approx(0.00520335091)
        for _ in range(2):
            for step in steps:
                session.run(step)
        assert session.run(w) == pytest.approx([0.22846399, 1.20818102], abs=1e-6)


def test_parts_that_tensorflow_saved_are_read_as_one():
    reader = tf.train.load_checkpoint(str(CHECKPOINTS / "dtypes.ckpt"))
    shapes = reader.get_variable_to_shape_map()
    sliced = [name for name in shapes if name.startswith("sliced/")]
    for name in sliced:
        whole = name.removeprefix("sliced/")
        assert shapes[name] == shapes[whole] == [3, 2]
        np.testing.assert_array_equal(reader.get_tensor(name), reader.get_tensor(whole))
    assert len(sliced) > 5
    reader._parts[sliced[0]].pop()
    with pytest.raises(tf.errors.DataLossError, match=f"{sliced[0]} has . parts, and has"):
        reader.get_tensor(sliced[0])
    del reader._parts[sliced[1]]
    with pytest.raises(tf.errors.DataLossError, match="and has 0 of them"):
        reader.get_tensor(sliced[1])


def test_a_graphs_file_makes_them_again(tmp_path):
    with tf.variable_scope("m"):
        loss = model()
    optimizers = tf.train.AdamOptimizer(0.1), tf.train.AdamOptimizer(0.2)
    with tf.name_scope("train"), tf.variable_scope("opt"):
        steps = [optimizers[i].minimize(loss, name=f"step_{k}") for k, i in enumerate([0, 1, 0])]
    slot = optimizers[0].get_slot(tf.trainable_variables()[0], "m")
    tf.identity(slot.value() * 2.0, name="twice")
    tf.add_to_collection("slot", slot)
    every, ops = names(tf.global_variables()), [s.name for s in steps]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(steps)
        path = tf.train.Saver().save(session, str(tmp_path / "m"))
        session.run(steps)
        expected = first_elements(session, tf.global_variables())
    tf.reset_default_graph()
    saver = tf.train.import_meta_graph(path + ".meta")
    assert names(tf.global_variables()) == every
    assert names(tf.get_collection("slot")) == ["opt/m/w/Adam"]
    with tf.Session() as session:
        saver.restore(session, path)
        session.run(ops)
        assert first_elements(session, tf.global_variables()) == pytest.approx(expected)
        assert session.run("twice:0")[0, 0] == pytest.approx(
            2 * expected[every.index("opt/m/w/Adam")])


def test_a_monitored_session_makes_and_saves_them(tmp_path):
    optimizer, train, w = adam()
    tf.train.get_or_create_global_step()
    slot, beta = optimizer.get_slot(w, "m"), optimizer._get_non_slot_variable("beta1_power")
    with tf.train.MonitoredTrainingSession(checkpoint_dir=str(tmp_path)) as session:
        assert session.run(slot)[0, 0] == 0
        session.run(train)
    with tf.train.MonitoredTrainingSession(checkpoint_dir=str(tmp_path)) as session:
        assert session.run(slot)[0, 0] == pytest.approx(0.2)
        assert session.run(beta) == pytest.approx(0.81)


def test_from_a_checkpoint(tmp_path):
    optimizer, train, w = adam()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        path = tf.train.Saver().save(session, str(tmp_path / "m"))
    tf.reset_default_graph()
    optimizer, train, w = adam()
    tf.train.init_from_checkpoint(path, {"/": "/"})
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(optimizer.get_slot(w, "m"))[0, 0] == pytest.approx(0.2)
        assert session.run("beta1_power:0") == pytest.approx(0.81)
