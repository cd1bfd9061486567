"""Exceptions, missing symbols, Ctrl-C."""

import glob
import os
import pickle
import re
import signal

import numpy as np
import pytest

import varscope
import varscope.compat.v1 as tf
from conftest import run_program, start_server


def test_errors_are_tensorflows():
    v = tf.Variable(tf.ones([2]), name="v")
    with tf.Session() as sess, pytest.raises(tf.errors.FailedPreconditionError) as caught:
        sess.run(v)
    error = caught.value
    assert isinstance(error, tf.errors.OpError) and isinstance(error, tf.OpError)
    assert error.error_code == tf.errors.FAILED_PRECONDITION == 9
    assert error.op is None and error.node_def is None
    assert "v" in error.message and str(error) == error.message
    assert pickle.loads(pickle.dumps(error)).message == error.message


def test_every_code_has_its_class():
    for code in range(1, 17):
        cls = tf.errors.exception_type_from_error_code(code)
        assert cls(None, None, "text").error_code == code
        assert tf.errors.error_code_from_exception_type(cls) == code
        assert re.fullmatch(r"[A-Z]\w+Error", cls.__name__)


def test_what_a_run_refuses():
    x = tf.placeholder(tf.int32, [None])
    rows = tf.gather(tf.constant([1.0, 2.0]), x)
    with tf.Session() as sess:
        with pytest.raises(tf.errors.InvalidArgumentError):
            sess.run(rows, {x: [5]})
        with pytest.raises(tf.errors.NotFoundError):
            sess.read("nothing")


def test_names_that_a_graph_has_not():
    graph = tf.get_default_graph()
    tf.constant(1.0, name="c")
    assert graph.get_tensor_by_name("c:0").op == graph.get_operation_by_name("c")
    assert graph.as_graph_element("c:0").name == "c:0"
    with pytest.raises(KeyError, match="refers to a Tensor which does not exist"):
        graph.get_tensor_by_name("d:0")
    with pytest.raises(KeyError, match="refers to an Operation not in the graph"):
        graph.get_operation_by_name("d")
    with pytest.raises(ValueError, match="refers to an Operation, not a Tensor"):
        graph.get_tensor_by_name("c")


@pytest.mark.parametrize("symbol, nearest", [
    ("plaecholder", "placeholder"), ("nn.rellu", "nn.relu"), ("train.AdamOptimiser",
                                                               "train.AdamOptimizer"),
    ("nn.convolutoin", "nn.convolution"), ("random_normal_initialiser", "random_normal_initializer"),
])
def test_a_missing_symbol_names_the_nearest(symbol, nearest):
    module = tf
    *path, name = symbol.split(".")
    for part in path:
        module = getattr(module, part)
    with pytest.raises(AttributeError) as caught:
        getattr(module, name)
    text = str(caught.value)
    assert text == f"varscope has no tf.{symbol}; the nearest that it has is tf.{nearest}"
    assert not hasattr(module, name)


def test_arguments_that_varscope_has_nothing_for_are_refused():
    x = tf.zeros([1, 2])
    for call in (lambda: tf.gather(x, [0], batch_dims=1),
                 lambda: tf.gather_nd(x, [[0]], batch_dims=1),
                 lambda: tf.get_variable("v", [1], caching_device="/cpu:0")):
        with pytest.raises(NotImplementedError, match="varscope"):
            call()


INTERRUPTED = """
import os, signal, sys, threading, time
import varscope
import varscope.compat.v1 as tf

# A shell's background jobs ignore it, and Python then does, too.
signal.signal(signal.SIGINT, signal.default_int_handler)
store = varscope.connect(sys.argv[1], timeout=3600)
{prepare}

def interrupt():
    # The main thread waits without the GIL, so that this one sees it in the package.
    main = threading.main_thread().ident
    while varscope.__path__[0] not in sys._current_frames()[main].f_code.co_filename:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)

interrupting = threading.Thread(target=interrupt)
try:
    interrupting.start()
    {call}
    # Not reached: both wait for what does not come.
except KeyboardInterrupt:
    print("interrupted")
{after}
"""


def test_ctrl_c_ends_a_wait_for_other_workers(server):
    done = run_program(INTERRUPTED.format(
        prepare="", call="store.barrier('b', 2)",
        after="print(store.pull(store.get_variable('v', [2], initializer=tf.ones_initializer())))"),
        server)
    assert done.stdout == "interrupted\n[1. 1.]\n", done.stderr
    assert done.returncode == 0


def test_ctrl_c_ends_a_run_and_a_definition_when_the_server_is_away():
    for call in ("store.pull(v)", "store.get_variable('w', [1])"):
        with start_server() as target:
            code = INTERRUPTED.format(
                prepare="""
v = store.get_variable('v', [2])
pid = int(sys.argv[2])
os.kill(pid, signal.SIGSTOP)
""", call=call, after="os.kill(pid, signal.SIGCONT)\nos._exit(0)")
            pid = pid_of(target)
            try:
                done = run_program(code, target, pid)
            finally:
                os.kill(pid, signal.SIGCONT)
        assert done.stdout == "interrupted\n", done.stderr


def pid_of(target):
    """The process that listens on a port of this machine's."""
    port = f"{int(target.rsplit(':', 1)[1]):04X}"
    with open("/proc/net/tcp") as table:
        inode = next(fields[9] for fields in map(str.split, table)
                     if fields[1].endswith(":" + port) and fields[3] == "0A")
    for descriptor in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(descriptor) == f"socket:[{inode}]":
                return int(descriptor.split("/")[2])
        except OSError:
            continue
    raise AssertionError(f"nobody listens on {target}")


def test_a_default_worker_is_refused_a_bad_option():
    with pytest.raises(ValueError, match="sharing"):
        varscope.ConnectOptions(sharing="both")
    with pytest.raises(TypeError):
        tf.Session(config={"allow_soft_placement": True})


def test_what_is_not_finite_goes_into_local_variables_alone():
    x = tf.placeholder(tf.float32, [])
    mean, update = tf.metrics.mean(x)
    own = tf.get_local_variable("own", [], initializer=tf.zeros_initializer())
    shared = tf.get_variable("shared", initializer=1.0)
    changes = tf.assign(own, x), tf.assign_add(own, x), tf.assign(shared, x)
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        for value in np.nan, np.inf:
            assert not np.isfinite(session.run([update, changes[0], changes[1]], {x: value})).any()
            assert not np.isfinite(session.run([mean, own])).any()
            with pytest.raises(tf.errors.InvalidArgumentError, match="allow_nonfinite"):
                session.run(changes[2], {x: value})
        session.run(tf.local_variables_initializer())
        assert session.run([update, own, shared], {x: 3.0}) == [3.0, 0.0, 1.0]
