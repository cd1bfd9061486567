"""The digits in three processes, by each framework and in each mode of the server, beside one process
of the framework alone."""

import contextlib
import importlib.util
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import varscope
from conftest import FOLDER, start_server

PROGRAMS = FOLDER / "frameworks"
sys.path.append(str(PROGRAMS))
import digits  # noqa: E402

DIGITS = pathlib.Path(__file__).parents[2] / "client" / "examples" / "data" / "digits.csv.gz"
STEPS = 1500
ENOUGH = 0.97

FRAMEWORKS = [
    pytest.param(name, marks=pytest.mark.skipif(
        importlib.util.find_spec(name) is None, reason=f"{name} is not installed; run.sh says how"))
    for name in ("jax", "torch")]


@contextlib.contextmanager
def running(commands, **environment):
    """Processes, which end with the block at the latest."""
    processes = [subprocess.Popen(command, env={**os.environ, **environment}, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                 for command in commands]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def train(framework, workers, *flags, **environment):
    """What each worker printed: its model's accuracy after its last step."""
    program = PROGRAMS / f"digits_{framework}.py"
    commands = [[sys.executable, program, DIGITS, str(worker), str(STEPS), *flags]
                for worker in range(workers)]
    with running(commands, **environment) as processes:
        printed = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0] * workers, printed
    return [float(out) for out, _ in printed]


def convolve(images, kernel, bias):
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return np.maximum(np.einsum("nhwcij,ijco->nhwo", windows, kernel) + bias, 0)


def accuracy_in_the_store(target):
    """By the store's variables and NumPy alone."""
    store = varscope.connect(target)
    value = [store.read(f"classifier/{layer}/{part}") for layer in ("first", "second", "logits")
             for part in ("kernel", "bias")]

    def logits(images):
        first = convolve(images.reshape(-1, 8, 8, 1), *value[:2])
        smaller = first.reshape(-1, 4, 2, 4, 2, 12).max(axis=(2, 4))
        return convolve(smaller, *value[2:4]).reshape(-1, 4 * 4 * 24) @ value[4] + value[5]
    return digits.Digits(DIGITS).accuracy(logits)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_one_process_of_the_framework_alone(framework):
    [alone] = train(framework, 1, "--plain")
    print(f"{framework} alone: {alone:.4f}")
    assert alone >= ENOUGH


@pytest.mark.parametrize("sync", ["async", "bsp:workers=3", "ssp:bound=3",
                                  "local:workers=3,steps=25,outer_momentum=0.5"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_three_processes(framework, sync):
    with start_server("--sync", sync) as target:
        printed = train(framework, 3, VARSCOPE_TARGET=target)
        found = accuracy_in_the_store(target)
        [bias] = varscope.connect(target).list("classifier/second/bias")[:1]
    print(f"{framework}, {sync}: {found:.4f} in the store, workers {printed}")
    assert found >= ENOUGH
    pushes = {"async": 3 * STEPS, "ssp": 3 * STEPS, "bsp": STEPS, "local": STEPS // 25}
    assert bias.version == pushes[sync.partition(":")[0]]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_program_for_tensorflow_and_one_of_the_framework_and_cpp_share_a_model(framework, server):
    evaluator = pathlib.Path(__file__).parents[2] / "build" / "release" / "bin" / "varscope_classifier"
    if not evaluator.exists():
        pytest.skip("docker/build.sh release varscope_classifier builds the evaluator")
    store = varscope.connect(server)
    stop = store.get_variable("stop", initializer=0, trainable=False)
    programs = [[sys.executable, "-m", "varscope", "run", PROGRAMS / "cnn_tf.py", DIGITS],
                [sys.executable, PROGRAMS / f"cnn_{framework}.py", DIGITS]]
    seen = []

    def evaluate():
        done = subprocess.run(
            [evaluator, "--target", server, "--data", DIGITS, "--evaluate"], text=True,
            capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return float(done.stdout.split()[2])
    with running(programs, VARSCOPE_TARGET=server) as trainers:
        while sum(variable.version > 0 for variable in store.list("joined/")) < 2:
            assert all(trainer.poll() is None for trainer in trainers), (
                [t.communicate() for t in trainers if t.poll() is not None])
        for _ in range(200):
            seen.append(evaluate())
            # Both go on meanwhile.
            assert all(trainer.poll() is None for trainer in trainers), (
                [t.communicate() for t in trainers if t.poll() is not None])
            if seen[-1] >= 100 * ENOUGH:
                break
        store.assign({stop: 1})
        printed = [trainer.communicate(timeout=60) for trainer in trainers]
        last = evaluate()
        assert [trainer.returncode for trainer in trainers] == [0, 0], printed
    print(f"TensorFlow 1's steps and {framework}'s: {[out for out, _ in printed]}; the C++ "
          f"evaluator saw {seen}, and at the end {last} %")
    assert seen[-1] >= 100 * ENOUGH
    # The same digits, and the same arithmetic.
    assert abs(last - 100 * accuracy_in_the_store(server)) < 0.3
    steps = [int(out) for out, _ in printed]
    assert min(steps) > 0
    listed = {variable.name: variable for variable in store.list("classifier/")}
    assert {name for name in listed if "Adam" not in name} == {
        f"classifier/{layer}/{part}" for layer in ("first", "second", "logits")
        for part in ("kernel", "bias")}
    assert listed["classifier/logits/kernel"].version == sum(steps)
