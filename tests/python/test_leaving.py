"""A program that ends leaves its server: no other worker waits for it until its lease is over."""

import subprocess
import time

import pytest

from conftest import run_program, start_server
from varscope.programs import path_of

STORE = "import varscope; s = varscope.connect(); w = s.get_variable('w', [2]); s.pull(w)\n"
GRAPH = """
import varscope.compat.v1 as tf
w = tf.get_variable("w", [2])
sess = tf.Session()
sess.run(tf.global_variables_initializer())
"""
IN_FUNCTION = """
import varscope.compat.v1 as tf
def main():
    tf.get_variable("w", [2])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
main()
"""


@pytest.mark.parametrize("program", [STORE, GRAPH, IN_FUNCTION])
@pytest.mark.parametrize("end, code", [("", 0), ("1 / 0", 1), ("import sys; sys.exit(3)", 3)])
def test_a_program_that_ends_has_left(program, end, code):
    with start_server("--lease-seconds", "0") as target:
        ended = run_program(program + end, target=target)
        assert ended.returncode == code, ended.stderr
        workers = subprocess.run([path_of("varscopectl"), "--target", target, "workers"],
                                 text=True, capture_output=True, check=True).stdout
        assert [line.split()[1] for line in workers.splitlines()[1:]] == ["left"], workers


@pytest.mark.parametrize("waiting", ["varscope.connect(target)", "tf.Session(target)"])
def test_ctrl_c_ends_a_program_that_waits_for_a_server(waiting):
    begun = time.monotonic()
    ended = run_program("import os, signal, sys, threading, varscope\n"
                        "import varscope.compat.v1 as tf\n"
                        "target = '127.0.0.1:9'\n"
                        "threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()\n" + waiting)
    assert ended.returncode != 0 and "KeyboardInterrupt" in ended.stderr
    assert time.monotonic() - begun < 30  # of the 60 s that it would wait


def test_a_program_whose_server_is_gone_ends():
    program = GRAPH + "import os, signal, sys; os.kill(int(sys.argv[1]), signal.SIGKILL)\n"
    server = subprocess.Popen([path_of("varscoped"), "--listen", "127.0.0.1:0", "--ready-fd", "1",
                               "--log-level", "warning"], stdout=subprocess.PIPE, text=True)
    with server:
        target = f"127.0.0.1:{server.stdout.readline().strip()}"
        ended = run_program(program, server.pid, target=target)
    assert ended.returncode == 0, ended.stderr
