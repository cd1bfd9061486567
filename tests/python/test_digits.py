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
DIGITS = pathlib.Path(__file__).parents[2] / "client" / "examples" / "data" / "digits.csv.gz"
STEPS = 600
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


def accuracy_in_the_store(target, framework):
    """By the store's variables and NumPy alone. PyTorch has its matrices transposed."""
    sys.path.insert(0, str(PROGRAMS))
    try:
        import digits
    finally:
        sys.path.remove(str(PROGRAMS))
    store = varscope.connect(target)
    value = {name: store.read(f"classifier/{name}")
             for name in ("0/weight", "0/bias", "2/weight", "2/bias")}
    if framework == "torch":
        value = {name: array.T for name, array in value.items()}

    def logits(images):
        hidden = np.maximum(images @ value["0/weight"] + value["0/bias"], 0)
        return hidden @ value["2/weight"] + value["2/bias"]
    return digits.Digits(DIGITS).accuracy(logits)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_one_process_of_the_framework_alone(framework):
    [alone] = train(framework, 1, "--plain")
    print(f"{framework} alone: {alone:.4f}")
    assert alone >= ENOUGH


@pytest.mark.parametrize("sync", ["async", "bsp:workers=3", "ssp:bound=3",
                                  "local:workers=3,steps=20"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_three_processes(framework, sync):
    with start_server("--sync", sync) as target:
        printed = train(framework, 3, VARSCOPE_TARGET=target)
        found = accuracy_in_the_store(target, framework)
        versions = {v.name: v.version for v in varscope.connect(target).list("classifier/2/bias")}
    print(f"{framework}, {sync}: {found:.4f} in the store, workers {printed}")
    assert found >= ENOUGH
    pushes = {"async": 3 * STEPS, "ssp": 3 * STEPS, "bsp": STEPS, "local": STEPS // 20}
    assert versions["classifier/2/bias"] == pushes[sync.partition(":")[0]]


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
    with running(programs, VARSCOPE_TARGET=server) as trainers:
        while not {"classifier/logits/bias", "classifier/first/kernel/Adam"} <= {
                variable.name for variable in store.list("classifier/")}:
            assert all(trainer.poll() is None for trainer in trainers), (
                [t.communicate() for t in trainers if t.poll() is not None])
        for _ in range(200):
            done = subprocess.run(
                [evaluator, "--target", server, "--data", DIGITS, "--evaluate", "--at-least",
                 str(ENOUGH)], text=True, capture_output=True, timeout=60, check=False)
            seen.append(done.stdout.splitlines()[0] if done.stdout else done.stderr)
            # Both go on meanwhile.
            assert all(trainer.poll() is None for trainer in trainers), (
                [t.communicate() for t in trainers if t.poll() is not None])
            if done.returncode == 0:
                break
        store.assign({stop: 1})
        printed = [trainer.communicate(timeout=60) for trainer in trainers]
        assert [trainer.returncode for trainer in trainers] == [0, 0], printed
    print(f"TensorFlow 1's steps and {framework}'s: {[out for out, _ in printed]}; the C++ "
          f"evaluator saw {seen}")
    assert done.returncode == 0, seen
    steps = [int(out) for out, _ in printed]
    assert min(steps) > 0
    listed = {variable.name: variable for variable in store.list("classifier/")}
    assert {name for name in listed if "Adam" not in name} == {
        f"classifier/{layer}/{part}" for layer in ("first", "second", "logits")
        for part in ("kernel", "bias")}
    assert listed["classifier/logits/kernel"].version == sum(steps)
