"""A default graph of its own for each test, and servers."""

import contextlib
import os
import pathlib
import subprocess
import sys

import pytest

import varscope.compat.v1 as tf
from varscope.programs import path_of

FOLDER = pathlib.Path(__file__).parent
PROGRAMS = FOLDER / "programs"


@pytest.fixture(autouse=True)
def new_graph(monkeypatch):
    for name in [n for n in os.environ if n.startswith("VARSCOPE_")]:
        monkeypatch.delenv(name)
    tf.reset_default_graph()


@contextlib.contextmanager
def start_server(*flags):
    """varscoped on a free port; gives its address."""
    ready, write_ready = os.pipe()
    process = subprocess.Popen(
        [path_of("varscoped"), "--listen", "127.0.0.1:0", "--ready-fd", str(write_ready),
         "--log-level", "warning", *flags], pass_fds=[write_ready])
    os.close(write_ready)
    try:
        with os.fdopen(ready) as line:
            port = line.readline().strip()
        assert port, "varscoped did not start"
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def server():
    with start_server() as target:
        yield target


def run_program(code, *arguments, target=None, **environment):
    """Runs Python code in a process of its own; returns it when it is over."""
    return _run(["-c", code, *map(str, arguments)], target, environment)


def run_file(folder, code):
    """The same of a file, which processes that it spawns import."""
    program = folder / "program.py"
    program.write_text(code)
    return _run([program], None, {})


def _run(arguments, target, environment):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("VARSCOPE_")}
    if target is not None:
        clean["VARSCOPE_TARGET"] = target
    return subprocess.run([sys.executable, *arguments], text=True, capture_output=True,
                          timeout=120, check=False, env=clean | environment)
