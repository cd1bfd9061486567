"""Schedules, averages, hooks, monitored sessions, Supervisor, clusters."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import varscope.compat.v1 as tf


def counting():
    """A step that adds 1 to w and to the global step."""
    step = tf.train.get_or_create_global_step()
    w = tf.get_variable("w", [], initializer=tf.zeros_initializer())
    return w, step, tf.train.GradientDescentOptimizer(1.0).minimize(-w, global_step=step)


@pytest.mark.parametrize("name, expected", [
    ("exponential_decay", 0.1 * 0.5**2.5), ("natural_exp_decay", 0.1 * np.exp(-0.5 * 2.5)),
    ("inverse_time_decay", 0.1 / (1 + 0.5 * 2.5))])
def test_schedules(name, expected):
    rate = getattr(tf.train, name)(0.1, tf.constant(25), 10, 0.5)
    stairs = getattr(tf.train, name)(0.1, tf.constant(25), 10, 0.5, staircase=True)
    whole = getattr(tf.train, name)(0.1, tf.constant(20), 10, 0.5)
    with tf.Session() as sess:
        assert sess.run(rate) == pytest.approx(expected, rel=1e-5)
        assert sess.run(stairs) == sess.run(whole)


def test_schedules_with_an_end():
    x = tf.placeholder(tf.int32, [])
    steps = tf.train.piecewise_constant(x, [10, 20], [1.0, 0.5, 0.1])
    line = tf.train.polynomial_decay(1.0, x, 10, 0.2)
    with tf.Session() as sess:
        assert [sess.run(steps, {x: i}) for i in (0, 10, 11, 20, 21)] == pytest.approx(
            [1, 1, 0.5, 0.5, 0.1])
        assert [sess.run(line, {x: i}) for i in (0, 5, 10, 50)] == pytest.approx([1, 0.6, 0.2, 0.2])


def test_a_schedule_is_a_learning_rate():
    step = tf.train.get_or_create_global_step()
    w = tf.Variable(0.0)
    rate = tf.train.exponential_decay(1.0, step, 1, 0.5)
    train = tf.train.GradientDescentOptimizer(rate).minimize(-w, global_step=step)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(3):
            sess.run(train)
        assert sess.run(w) == pytest.approx(1 + 0.5 + 0.25)


def test_moving_averages():
    w = tf.get_variable("w", initializer=1.0)
    averages = tf.train.ExponentialMovingAverage(0.9)
    update = averages.apply([w])
    assert averages.average(w).name == "w/ExponentialMovingAverage:0"
    assert averages.variables_to_restore()["w/ExponentialMovingAverage"] == w
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(w.assign(2.0))
        sess.run(update)
        assert sess.run(averages.average(w)) == pytest.approx(1.1)


def test_a_monitored_session_stops_at_a_step_and_restores(tmp_path):
    for last, begun in ((5, 0), (8, 5)):
        tf.reset_default_graph()
        w, _, train = counting()
        seen = []
        with tf.train.MonitoredTrainingSession(
                checkpoint_dir=str(tmp_path), hooks=[tf.train.StopAtStepHook(last_step=last)],
                save_summaries_steps=None, save_summaries_secs=None) as sess:
            while not sess.should_stop():
                seen.append(sess.run([train, w])[1])
        assert len(seen) == last - begun
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert state.model_checkpoint_path == str(tmp_path / "model.ckpt-8")
    assert tf.train.latest_checkpoint(str(tmp_path)) == state.model_checkpoint_path
    assert tf.train.checkpoint_exists(state.model_checkpoint_path)


def test_hooks_are_called_in_order():
    calls = []

    class Hook(tf.train.SessionRunHook):
        def begin(self):
            calls.append("begin")

        def after_create_session(self, session, coord):
            calls.append("created")

        def before_run(self, run_context):
            return tf.train.SessionRunArgs(tf.constant(7), {fed: 2})

        def after_run(self, run_context, run_values):
            calls.append(int(run_values.results))

        def end(self, session):
            calls.append("end")

    fed = tf.placeholder(tf.int32, [])
    twice = fed * 2
    with tf.train.MonitoredSession(hooks=[Hook()]) as sess:
        assert sess.run(twice) == 4
    assert calls == ["begin", "created", 7, "end"]


def test_the_end_of_the_data_ends_a_monitored_session():
    nexts = tf.data.Dataset.range(3).make_one_shot_iterator().get_next()
    seen = []
    with tf.train.MonitoredSession() as sess:
        while not sess.should_stop():
            seen.append(sess.run(nexts))
    assert seen == [0, 1, 2] and sess.should_stop()


def test_a_nan_is_an_error():
    x = tf.placeholder(tf.float32, [])
    with pytest.raises(tf.train.NanLossDuringTrainingError):
        with tf.train.MonitoredSession(hooks=[tf.train.NanTensorHook(x)]) as sess:
            sess.run(x, {x: 1.0})
            sess.run(x, {x: float("nan")})


def test_a_supervisor_initializes_and_restores(tmp_path):
    for begun in (0, 3):
        tf.reset_default_graph()
        w, step, train = counting()
        supervisor = tf.train.Supervisor(logdir=str(tmp_path), global_step=step)
        with supervisor.managed_session() as sess:
            assert sess.run(w) == begun
            for _ in range(3):
                sess.run(train)
            supervisor.saver.save(sess, supervisor.save_path, global_step=step)
        assert supervisor.should_stop()


def test_a_coordinator_raises_what_a_thread_raised():
    coord = tf.train.Coordinator()
    begun = threading.Event()

    def work():
        with coord.stop_on_exception():
            begun.set()
            raise ValueError("in a thread")

    def wait():
        coord.wait_for_stop()

    threads = [threading.Thread(target=work), threading.Thread(target=wait)]
    for thread in threads:
        thread.start()
    begun.wait()
    with pytest.raises(ValueError, match="in a thread"):
        coord.join(threads)
    assert coord.should_stop() and not any(thread.is_alive() for thread in threads)


def test_cluster_specs():
    cluster = tf.train.ClusterSpec({"ps": ["a:1"], "worker": ["b:1", "c:1"]})
    assert cluster.as_dict() == {"ps": ["a:1"], "worker": ["b:1", "c:1"]}
    assert cluster.num_tasks("worker") == 2 and cluster.task_address("worker", 1) == "c:1"
    assert cluster.store_host() == "a:1"
    with pytest.raises(ValueError, match="No such job"):
        cluster.num_tasks("evaluator")
    with pytest.raises(ValueError, match="task_index"):
        tf.train.Server(cluster, "worker")


def test_a_local_server():
    server = tf.train.Server.create_local_server()
    w = tf.Variable(3.0)
    with tf.Session(server.target) as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run(w) == 3.0


WORKER = """
import socket, sys
import tensorflow as tf

ps, port, kind = sys.argv[1], sys.argv[2], sys.argv[3]
cluster = tf.train.ClusterSpec({"ps": ["localhost:" + port],
                                "worker": ["worker0.invalid:1", "worker1.invalid:1"]})
if ps == "ps":
    tf.train.Server(cluster, job_name="ps", task_index=0).join()
task = int(ps)
server = tf.train.Server(cluster, job_name="worker", task_index=task)
with tf.device(tf.train.replica_device_setter(cluster=cluster)):
    step = tf.train.get_or_create_global_step()
    w = tf.Variable(tf.zeros([2]), name="w")
    loss = tf.reduce_sum(w * tf.constant([1.0 + task, 3.0]))
    opt = tf.train.GradientDescentOptimizer(0.5)
    hooks = [tf.train.StopAtStepHook(last_step=6)]
    if kind == "sync":
        opt = tf.train.SyncReplicasOptimizer(opt, 2, 2)
        train = opt.minimize(loss, global_step=step)
        hooks.append(opt.make_session_run_hook(task == 0))
    else:
        train = opt.minimize(loss, global_step=step)
runs = 0
with tf.train.MonitoredTrainingSession(server.target, task == 0, hooks=hooks) as sess:
    while not sess.should_stop():
        sess.run(train)
        runs += 1
with tf.Session(server.target) as sess:
    print(runs, sess.run(step), *sess.run(w))
"""


def free_port():
    import socket
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_one_ps_and_two_workers_share(tmp_path, kind):
    (tmp_path / "worker.py").write_text(WORKER)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("VARSCOPE_")}
    port = str(free_port())

    def start(task):
        return subprocess.Popen(
            [sys.executable, "-m", "varscope", "run", "worker.py", task, port, kind],
            cwd=tmp_path, env=clean, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    ps = start("ps")
    try:
        workers = [start("0"), start("1")]
        said = [worker.communicate(timeout=120) for worker in workers]
        assert [worker.returncode for worker in workers] == [0, 0], said
        results = [[float(x) for x in out.split()] for out, _ in said]
        runs, steps = [r[0] for r in results], [r[1] for r in results]
        if kind == "sync":
            # Each step has the mean of both gradients: (1 + 2) / 2, and 3.
            assert runs == [6, 6] and steps == [6, 6]
            assert [r[2:] for r in results] == [[-4.5, -9.0]] * 2
        else:
            assert sum(runs) == max(steps) >= 6
            assert results[steps.index(max(steps))][3] == -1.5 * max(steps)
    finally:
        ps.kill()
        ps.wait()


def test_an_average_that_begins_inside_a_condition():
    average = tf.train.ExponentialMovingAverage(0.5)
    x, trains = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.bool)
    value = tf.identity(x)

    def updated():
        with tf.control_dependencies([average.apply([value])]):
            return tf.identity(value)

    mean = tf.cond(trains, updated, lambda: tf.zeros([2]))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(mean, {x: [2, 4], trains: True})
        session.run(mean, {x: [2, 4], trains: False})
        np.testing.assert_array_equal(session.run(average.average(value)), [1, 2])
