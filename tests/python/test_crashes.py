"""Whatever a program does, Python goes on: objects that outlive what they came from, exceptions in a
program's own functions, threads, the interpreter's end, forks."""

import gc
import os
import resource
import threading
import weakref

import numpy as np
import pytest

import varscope
import varscope.compat.v1 as tf
from conftest import run_program


class Mine(Exception):
    """What no library raises."""


def resident():
    gc.collect()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def grows(work, times):
    """How many bytes these turns take, after as many to warm up."""
    for _ in range(times):
        work()
    before = resident()
    for _ in range(times):
        work()
    return resident() - before


# What is used after its graph, and how: each gets nothing but the one object.
def a_variable():
    return tf.get_variable("v", [2], initializer=tf.ones_initializer())


AFTER_ITS_GRAPH = {
    "Tensor": (lambda: a_variable() * 2, lambda x: (x.name, x.shape, x.dtype, x + 1)),
    "Operation": (lambda: tf.no_op(), lambda op: (op.name, op.graph, op.outputs)),
    "Variable": (a_variable, lambda v: (v.name, v.op, hash(v), v == v, v.assign([1.0, 2.0]))),
    "part": (lambda: tf.get_variable("p", [4], partitioner=tf.fixed_size_partitioner(2)).parts[1],
             lambda v: (v.name, v.value())),
    "VariableScope": (lambda: tf.variable_scope("s").__enter__(),
                      lambda scope: (scope.name, scope.reuse, scope.original_name_scope)),
    "gradient": (lambda: tf.gradients(tf.reduce_sum(a_variable() ** 2), tf.trainable_variables()),
                 lambda found: (found[0].name, found[0] * 2)),
    "train op": (lambda: tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(a_variable())),
                 lambda op: (op.name, op.graph.get_operations())),
    "iterator": (lambda: iter(tf.get_variable("p", [4], partitioner=tf.fixed_size_partitioner(2))),
                 lambda parts: [part.name for part in parts]),
    "error": (lambda: raised_by(lambda: [tf.get_variable("w", [1]) for _ in range(2)]),
              lambda error: (str(error), error.__traceback__)),
}


def raised_by(call):
    with pytest.raises(ValueError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("kind", AFTER_ITS_GRAPH)
@pytest.mark.parametrize("connected", [False, True])
def test_objects_after_their_graph(kind, connected):
    make, use = AFTER_ITS_GRAPH[kind]
    graph = tf.Graph()
    with graph.as_default():
        x = make()
        if connected:
            with tf.Session() as sess:
                sess.run(tf.global_variables_initializer())
            del sess
    del graph
    gc.collect()
    try:
        used = use(x)
    except Exception as error:  # noqa: BLE001 (a graph that is gone may be an error, not a crash)
        used = str(error)
    assert used


def test_a_session_after_its_graph():
    with tf.Graph().as_default():
        v = a_variable()
        sess = tf.Session()
    gc.collect()
    assert sess.run(v).tolist() == [1, 1]
    sess.close()
    with pytest.raises(RuntimeError, match="closed Session"):
        sess.run(v)


class Refusing:
    """Cannot become an array."""

    def __array__(self, *_, **__):
        raise Mine("array")


class RefusingList(list):
    def __iter__(self):
        raise Mine("iter")

    def __getitem__(self, index):
        raise Mine("item")


@pytest.mark.parametrize("value", [Refusing(), RefusingList([1.0, 2.0])])
def test_exceptions_in_feeds(value):
    x = tf.placeholder(tf.float32, [None])
    y = x + 1
    with tf.Session() as sess:
        def feed():
            with pytest.raises(Mine):
                sess.run(y, {x: value})
            assert sess.run(y, {x: [1.0]}).tolist() == [2]

        assert grows(feed, 500) < 8 << 20


def raising(*_, **__):
    raise Mine("mine")


# Every function of a program's own that get_variable calls.
CALLBACKS = {
    "custom_getter": lambda: tf.get_variable("v", [2], custom_getter=raising),
    "custom_getter after": lambda: tf.get_variable(
        "v", [2], custom_getter=lambda getter, *a, **k: raising(getter(*a, **k))),
    "regularizer": lambda: tf.get_variable("v", [2], regularizer=raising),
    "partitioner": lambda: tf.get_variable("v", [2], partitioner=raising),
    "initializer": lambda: tf.get_variable("v", [2], initializer=raising),
    "initial_value": lambda: tf.Variable(raising),
}


@pytest.mark.parametrize("kind", CALLBACKS)
@pytest.mark.parametrize("in_scope", [False, True])
def test_exceptions_in_a_programs_functions(kind, in_scope):
    def define():
        with tf.Graph().as_default() as graph:
            with pytest.raises(Mine):
                if in_scope:
                    with tf.variable_scope("s", **SCOPES.get(kind, {})):
                        CALLBACKS[kind]()
                else:
                    CALLBACKS[kind]()
            assert tf.get_variable_scope().name == "" and graph.get_name_scope() == ""
            with tf.variable_scope("next"):
                assert tf.get_variable("w", [2]).name == "next/w:0"

    assert grows(define, 500) < 8 << 20
    assert tf.get_default_graph().get_operations() == []


SCOPES = {"custom_getter": {"custom_getter": raising}, "regularizer": {"regularizer": raising},
          "partitioner": {"partitioner": raising}}


def test_a_getter_that_defines_and_raises_in_a_connected_graph(server):
    def getter(inner, name, *a, **k):
        inner(name + "_inner", *a, **k)
        raise Mine("mine")

    with tf.Graph().as_default(), tf.Session(server) as sess:
        with pytest.raises(Mine):
            tf.get_variable("v", [2], custom_getter=getter)
        v = tf.get_variable("v", [2], initializer=tf.ones_initializer())
        assert sess.run(v).tolist() == [1, 1]
        assert [x.name for x in tf.global_variables()] == ["v_inner:0", "v:0"]


def test_sessions_of_threads_are_gone_with_them(server):
    def work():
        with tf.Graph().as_default(), tf.Session(server) as sess:
            v = tf.Variable([1.0, 2.0], name="v")
            sess.run(tf.global_variables_initializer())
            sess.run(v.assign_add([1.0, 1.0]))

    def in_a_thread():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    for _ in range(5):
        in_a_thread()
    gc.collect()
    before = len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))
    for _ in range(40):
        in_a_thread()
    gc.collect()
    after = len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))
    # Each session has a connection, and threads that serve it.
    assert after[0] - before[0] < 10 and after[1] - before[1] < 10


def test_a_dropped_graph_takes_its_private_server_along():
    graph = tf.Graph()
    with graph.as_default(), tf.Session() as sess:
        folder = sess.sess_str.removeprefix("unix:").removesuffix("/socket")
        assert sess.run(tf.constant(1.0)) == 1
    assert os.path.exists(folder)
    gone = weakref.ref(graph._kept)
    del graph, sess
    gc.collect()
    assert gone() is None and not os.path.exists(folder)


RUNNING = """
import os, sys, threading
import varscope
import varscope.compat.v1 as tf

v = tf.get_variable("v", [1000], initializer=tf.zeros_initializer())
add = v.assign_add(tf.ones([1000])).op
sess = tf.Session(sys.argv[1] if len(sys.argv) > 1 else "")
sess.run(tf.global_variables_initializer())
started = threading.Barrier(4)

def run():
    sess.run(add)
    started.wait()
    while True:
        sess.run(add)

def wait():
    started.wait()
    sess.barrier("nobody", 2)

for target in (run, run, wait):
    threading.Thread(target=target, daemon=True).start()
started.wait()
{end}
"""
ENDS = {"": 0, "sys.exit(3)": 3, "raise KeyError('x')": 1, "os._exit(4)": 4,
        "os.kill(os.getpid(), 9)": -9}


@pytest.mark.parametrize("end", ENDS)
def test_the_interpreter_ends_while_sessions_run(end):
    done = run_program(RUNNING.format(end=end))
    assert done.returncode == ENDS[end], done.stderr
    assert ("KeyError" in done.stderr) == (ENDS[end] == 1)
    for words in ("Fatal", "Segmentation", "nanobind", "terminate called"):
        assert words not in done.stderr


@pytest.mark.parametrize("child", ["os._exit(0)", "sys.exit(0)", "del sess, v, add; sys.exit(0)",
                                   "import gc; del sess; gc.collect(); os._exit(0)"])
def test_a_child_forked_while_sessions_run_ends_alone(server, child):
    done = run_program(RUNNING.format(end=f"""
pid = os.fork()
if pid == 0:
    {child}
_, status = os.waitpid(pid, 0)
print("child", status)
before = sess.run(v)[0]
sess.run(add)
print("parent", bool(sess.run(v)[0] > before))
os._exit(0)
"""), server)
    assert done.stdout == "child 0\nparent True\n", done.stderr


def test_pools_that_fork_work_before_the_first_connection(server):
    done = run_program("""
import multiprocessing, sys
import varscope

def work(number):
    store = varscope.connect(sys.argv[1])
    w = store.get_variable("w", initializer=0.0)
    store.push({w: -1.0}, optimizer=1.0)
    return number

with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(work, range(6)))
print(varscope.connect(sys.argv[1]).read("w"))
""", server)
    assert done.stdout == "[0, 1, 2, 3, 4, 5]\n6.0\n", done.stderr


def test_arrays_of_a_dropped_store_stay():
    store = varscope.connect()
    w = store.get_variable("w", initializer=np.arange(1 << 16, dtype=np.float32))
    array = store.pull(w)
    part = array[10:20]
    del store, w, array
    gc.collect()
    assert part.tolist() == list(range(10, 20)) and not part.flags.writeable
