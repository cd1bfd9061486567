"""Threads, processes, and the interpreter's end."""

import os
import threading
import time

import pytest

import varscope
import varscope.compat.v1 as tf
from conftest import run_file, run_program


def in_threads(count, work):
    failures = []

    def guarded(number):
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 (shown by the assertion below)
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=[n]) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_threads_run_one_session():
    w = tf.get_variable("w", [4], initializer=tf.zeros_initializer())
    x = tf.placeholder(tf.float32, [])
    add = w.assign_add(tf.ones([4]) * x)
    with tf.Session() as sess:
        in_threads(4, lambda n: [sess.run(add.op, {x: 1.0}) for _ in range(50)])
        assert sess.run(w).tolist() == [200] * 4


def test_threads_build_graphs_of_their_own(server):
    def work(number):
        with tf.Graph().as_default(), tf.Session(server) as sess:
            assert tf.get_default_graph() == sess.graph
            with tf.variable_scope(f"thread_{number}"):
                v = tf.get_variable("v", initializer=float(number))
            for _ in range(20):
                assert sess.run(v + 1) == number + 1

    in_threads(4, work)


def test_threads_add_to_one_connected_graph(server):
    graph = tf.Graph(server)

    def work(number):
        with graph.as_default():
            for i in range(50):
                v = tf.get_variable(f"v_{number}_{i}", [1])
                tf.identity(v)

    in_threads(4, work)
    with graph.as_default():
        assert len({v.name for v in tf.global_variables()}) == 200
    assert len({op.name for op in graph.get_operations()}) == len(graph.get_operations())


def test_a_wait_lets_other_threads_run(server):
    """Two workers of one process meet at a barrier: with the GIL held neither would come."""
    stores = [varscope.connect(server) for _ in range(2)]
    in_threads(2, lambda n: stores[n].barrier("meet", 2, timeout=60))


FORKED = """
import os, sys
import varscope
import varscope.compat.v1 as tf
{before}
pid = os.fork()
if pid == 0:
    try:
        {child}
    except RuntimeError as error:
        print("RuntimeError:", str(error)[:55], flush=True)
    sys.exit(0)
_, status = os.waitpid(pid, 0)
print("child", status)
{after}
"""


def test_a_fork_before_the_first_connection_works(server):
    done = run_program(FORKED.format(
        before="x = tf.constant(1.0) + 1",
        child="print(tf.Session(sys.argv[1]).run(x), flush=True)",
        after="print(tf.Session(sys.argv[1]).run(x + 1))"), server)
    assert done.stdout == "2.0\nchild 0\n3.0\n", done.stderr


@pytest.mark.parametrize("child", ["store.pull(v)", "varscope.connect(sys.argv[1])",
                                   "del v, store; varscope.connect(sys.argv[1])",
                                   "store.get_variable('w', [1])"])
def test_a_fork_of_a_connected_process_says_why_not(server, child):
    done = run_program(FORKED.format(
        before="store = varscope.connect(sys.argv[1]); v = store.Variable(2.0)",
        child=child, after="print(store.pull(v))"), server)
    assert done.stdout == ("RuntimeError: this process was forked after varscope had connected, "
                           "and"[:69] + "\nchild 0\n2.0\n"), done.stdout + done.stderr


SPAWNED = """
import multiprocessing, sys
import varscope

def work(target):
    store = varscope.connect(target)
    store.push({store.get_variable("w", [1]): [1.0]}, optimizer=1.0)

if __name__ == "__main__":
    store = varscope.connect()
    w = store.get_variable("w", [1], initializer=varscope.initializers.Zeros())
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(work, [store.target] * 4)
    print(store.pull(w))
"""


def test_spawned_processes_share_a_private_server(tmp_path):
    done = run_file(tmp_path, SPAWNED)
    assert done.stdout == "[-4.]\n", done.stderr


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise KeyError('x')",
                                 "import threading; threading.Thread(target=lambda: "
                                 "sess.run(v)).start()"])
def test_the_interpreter_ends_with_live_sessions(end):
    done = run_program(f"""
import sys
import varscope.compat.v1 as tf
v = tf.get_variable("v", [2], partitioner=lambda shape, dtype: [2])
sess = tf.Session()
sess.run(v)
interactive = tf.InteractiveSession()
scope = tf.variable_scope("open")
scope.__enter__()
print("end", flush=True)
{end}
""")
    assert done.stdout == "end\n"
    assert done.returncode == {"": 0, "sys.exit(3)": 3, "raise KeyError('x')": 1}.get(end, 0)
    assert "nanobind" not in done.stderr and "Fatal" not in done.stderr


WITH_A_CHILD = """
import os, signal, sys, time
import varscope
store = varscope.connect()
store.get_variable("w", [2])
print(os.path.dirname(store.target.removeprefix("unix:")), flush=True)
if os.fork() == 0:
    os.close(1), os.close(2)
    time.sleep(15)
    os._exit(0)
{end}
"""


@pytest.mark.parametrize("end", ["store.close(); del store", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_private_server_ends_with_its_program_not_with_children_of_it(end):
    """Such as a DataLoader's workers, which have whatever was open when they were forked."""
    start = time.monotonic()
    folder = run_program(WITH_A_CHILD.format(end=end)).stdout.strip()
    while os.path.exists(folder):
        time.sleep(0.05)
    assert folder.startswith("/") and time.monotonic() - start < 12
