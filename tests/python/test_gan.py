"""The article's GAN over three processes, and a fourth one that draws with what they trained."""

import os
import pathlib
import subprocess
import sys

import numpy as np

import varscope
import varscope.compat.v1 as tf
from conftest import PROGRAMS

DIGITS = pathlib.Path(__file__).parents[2] / "client" / "examples" / "data" / "digits.csv.gz"
STEPS = 1000
LAYERS = ["generator/first", "generator/second", "generator/pixels", "discriminator/first",
          "discriminator/logit"]
NAMES = [f"{layer}/{part}" for layer in LAYERS for part in ("kernel", "bias")]


def train_in_three_processes(target):
    environment = {**os.environ, "VARSCOPE_TARGET": target, "VARSCOPE_SHARING": "replicated"}
    workers = [
        subprocess.Popen([sys.executable, "-m", "varscope", "run", PROGRAMS / "gan.py", DIGITS,
                          str(STEPS)], env=environment, text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE) for _ in range(3)]
    printed = [worker.communicate(timeout=300) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 3, printed
    return [out for out, _ in printed]


def draw(store):
    """The mean of what the generator draws, by the store's variables and NumPy alone."""
    value = {name: store.read(name) for name in NAMES}
    x = np.random.default_rng(7).standard_normal((500, 24))
    for layer in LAYERS[:3]:
        x = x @ value[layer + "/kernel"] + value[layer + "/bias"]
        if layer != LAYERS[2]:
            x = np.maximum(x, 0.2 * x)
    return (1 / (1 + np.exp(-x))).mean(axis=0)


def test_three_processes_train_one_gan(server):
    printed = train_in_three_processes(server)
    assert printed == [" ".join(f"{name}:0" for name in NAMES) + "\n"] * 3

    store = varscope.connect(server)
    listed = {variable.name: variable for variable in store.list()}
    # One set of variables: neither a process nor the second judgement has added others.
    assert {name for name in listed if "Adam" not in name and "_power" not in name} == set(NAMES)
    # Every step of every process is in them.
    assert {listed[name].version for name in NAMES} == {3 * STEPS}
    pixels = np.loadtxt(DIGITS, delimiter=",", dtype=np.float32)[:, :64].mean(axis=0) / 16
    distance = np.abs(draw(store) - pixels).mean()
    print("the mean generated digit is off by", distance)
    # An untrained generator draws 0.5 everywhere.
    assert distance < 0.5 * np.abs(0.5 - pixels).mean()
