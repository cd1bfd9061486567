"""Draws a program from a seed."""
import random

import values
from arguments import OPS
from draft import FLOATS, Draft, tf
from wreck import wreck

# Exact in float32, which TensorFlow rounds them to.
OPTIMIZERS = {
    "GradientDescent": {},
    "Momentum": {"momentum": 0.75},
    "Adagrad": {"initial_accumulator_value": 0.5},
    "Adadelta": {"rho": 0.75, "epsilon": 2**-10},
    "Adam": {"beta1": 0.75, "beta2": 0.875, "epsilon": 2**-10},
    "RMSProp": {"decay": 0.75, "momentum": 0.5, "epsilon": 2**-10},
    "Ftrl": {"l1_regularization_strength": 0.125, "l2_regularization_strength": 0.25},
}


def add_ops(draft, count):
    rng = draft.rng
    tries = 0
    while len(draft.program["ops"]) < count and tries < 40:
        tries += 1
        op = rng.choice(list(OPS))
        before = list(draft.program["inputs"])
        inputs, attrs = OPS[op](draft)
        if not draft.add(op, inputs, attrs):
            for name in set(draft.program["inputs"]) - set(before):
                del draft.program["inputs"][name], draft.tensors[name]


def add_wrong(draft):
    op = draft.rng.choice(list(OPS))
    inputs, attrs = OPS[op](draft)
    inputs, attrs = wreck(draft, inputs, attrs)
    if draft.add(op, inputs, attrs):
        return
    draft.add_refused(op, inputs, attrs)


def hide_shapes(rng, program):
    """Placeholders of an unknown rank, or with unknown dimensions."""
    hidden = rng.choice([0, 0, 0.5, 1])
    for recorded in program["inputs"].values():
        if rng.random() >= hidden or "kind" in recorded:
            continue
        if rng.random() < 0.4:
            recorded["static"] = None
        else:
            recorded["static"] = [n if rng.random() < 0.4 else -1 for n in recorded["shape"]]


def make_constants(rng, program):
    for recorded in program["inputs"].values():
        if rng.random() < 0.1:
            recorded["kind"] = "constant"


def fetch(draft):
    """The results that nothing uses, sometimes others too."""
    ops = draft.program["ops"]
    used = {name for op in ops for name in op["of"]}
    names = [op["as"] for op in ops if op["as"] not in used or draft.rng.random() < 0.1]
    draft.program["fetch"] = names or [ops[-1]["as"]]


def differentiate(draft):
    rng, program = draft.rng, draft.program
    xs = [n for n, recorded in program["inputs"].items() if recorded["dtype"] in FLOATS]
    ys = [n for n in program["fetch"] if n in draft.tensors and draft.dtype_of(n) in FLOATS]
    if not xs or not ys or rng.random() < 0.1:
        return
    program["gradients"] = xs
    if rng.random() < 0.6:
        program["weights"] = {n: values.tensor(rng, draft.dtype_of(n), draft.shape(n), "usual")
                              for n in ys}
    if rng.random() < 0.5:
        program["second"] = True


def train(draft):
    """Its floats are variables, and its numbers tame: no server takes a NaN."""
    rng, program = draft.rng, draft.program
    floats = [r for r in program["inputs"].values() if r["dtype"] in FLOATS]
    ys = [n for n in program["fetch"] if n in draft.tensors and draft.dtype_of(n) in FLOATS]
    if not floats or not ys:
        return False
    for recorded in floats:
        recorded["kind"] = "variable"
    name = rng.choice(list(OPTIMIZERS))
    program["train"] = {"optimizer": name, "steps": rng.randint(1, 3),
                        "hyperparameters": {"learning_rate": 0.125} | OPTIMIZERS[name]}
    return True


def draw(seed):
    rng = random.Random(seed)
    with tf.Graph().as_default():
        draft = Draft(rng)
        kind = rng.choices(["plain", "wrong", "training"], [12, 3, 1])[0]
        if kind == "training":
            draft.style = "usual"
        add_ops(draft, rng.choice([1, 1, 1, 2, 2, 3, 4, 5, 6, 8, 10, 12]))
        if kind == "wrong":
            add_wrong(draft)
        fetch(draft)
        if kind != "training" or not train(draft):
            make_constants(rng, draft.program)
            differentiate(draft)
        hide_shapes(rng, draft.program)
        return draft.program
