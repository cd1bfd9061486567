"""Records TensorFlow 1 behaviour (tf.compat.v1, graph mode) in the format of tests/conformance/data.

    pip install tensorflow==2.21.0  # any virtual environment
    python3 tests/conformance/record.py --seed 7 --scopes 400 --out DIR
    bash tests/conformance.sh DIR

Random programs and values come from --seed alone. Of the recordings that the project keeps,
slots.json came from here (--seed 21 --slots 80), the others from another generator of the same
format; this one makes more of them, to look for what they miss. The programs "reuse-..." of
scopes.json are this one's:

    python3 tests/conformance/record.py --seed 21 --scopes 0 --reuse 12 \
        --add-to tests/conformance/data/scopes.json
"""
import argparse
import json
import os
import pathlib
import random

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from record_ops import OpCases  # noqa: E402
from record_optimizers import record_optimizers  # noqa: E402

v1 = tf.compat.v1
SCOPE_NAMES = ["x", "X", "y", "a", "x/y"]
VARIABLE_NAMES = ["a", "b", "w", "a/b"]
BAD_NAMES = ["-no", "sp ace", "_bad", "a/", ".dot"]


class Program:
    """One random scope program, run in TensorFlow while it is written down."""

    weights = {"get_variable": 8, "Variable": 2, "add": 2, "constant": 1, "scope_state": 1,
               "reuse_variables": 1}
    scope_weights = {"variable_scope": 5, "name_scope": 2.5}
    entered = {"name": 5, "default": 3, "captured": 2}
    reuse = [8, 6, 3, 3]  # of None, "auto", False, True
    scope_names = SCOPE_NAMES
    variable_names = VARIABLE_NAMES
    shapes = [8, 8, 2, 1, 1]  # of [1], [2], None, [], [2, 3]
    partitioned = 0.1
    partitions = [1, 2, 3]
    steps = (1, 7)

    def __init__(self, rng):
        self.rng = rng
        self.count = 0
        self.scopes, self.name_scopes, self.tensors = {}, {}, {}
        self.variables = []

    def fresh(self, letter):
        self.count += 1
        return f"{letter}{self.count}"

    def body(self, depth):
        return [self.step(depth) for _ in range(self.rng.randint(*self.steps))]

    def kinds(self, depth):
        return self.weights | (self.scope_weights if depth < 4 else {})

    def step(self, depth):
        kinds = self.kinds(depth)
        op = self.rng.choices(list(kinds), list(kinds.values()))[0]
        step = {"op": op}
        getattr(self, op)(step, depth)
        return step

    @staticmethod
    def attempt(step, run):
        try:
            run()
        except (ValueError, TypeError) as error:
            if "expect" not in step:
                step["expect"] = {"error": type(error).__name__}
                if "{{node" not in str(error):  # else it prints the graph's own slicing ops
                    step["expect"]["message"] = str(error)
            step.setdefault("body", []) if step["op"].endswith("scope") else None

    def state(self):
        scope = v1.get_variable_scope()
        reuse = "auto" if scope.reuse is v1.AUTO_REUSE else bool(scope.reuse)
        return {"name": scope.name, "reuse": reuse,
                "original_name_scope": scope.original_name_scope,
                "name_scope": v1.get_default_graph().get_name_scope(),
                "dtype": tf.as_dtype(scope.dtype).name}

    def scope_state(self, step, _depth):
        step["expect"] = self.state()

    def reuse_variables(self, step, _depth):
        v1.get_variable_scope().reuse_variables()
        step["expect"] = self.state()

    def variable_scope(self, step, depth):
        rng = self.rng
        step["as"] = self.fresh("s")
        step["reuse"] = rng.choices([None, "auto", False, True], self.reuse)[0]
        options = {"reuse": {"auto": v1.AUTO_REUSE}.get(step["reuse"], step["reuse"])}
        arguments = []
        kind = rng.choices(list(self.entered), list(self.entered.values()))[0]
        if kind == "captured" and self.count > 1:
            known = list(self.scopes) + ["s0"]
            step["scope"] = rng.choice(known)
            if step["scope"] not in self.scopes:
                step["body"] = []
                step["expect"] = {"skipped": True}
                return
            arguments = [self.scopes[step["scope"]]]
        elif kind == "default":
            step["name"] = None
            step["default_name"] = rng.choice(self.scope_names)
            arguments = [None, step["default_name"]]
        else:
            step["name"] = rng.choice(self.scope_names + BAD_NAMES if rng.random() < 0.1
                                      else self.scope_names)
            arguments = [step["name"]]
        if rng.random() < 0.08:
            step["dtype"] = "float64"
            options["dtype"] = tf.float64
        if rng.random() < 0.1:
            step["initializer"] = rng.choice(["ones", "zeros"])
            options["initializer"] = getattr(v1, step["initializer"] + "_initializer")()
        if rng.random() < 0.12:
            step["auxiliary_name_scope"] = options["auxiliary_name_scope"] = False

        def run():
            with v1.variable_scope(*arguments, **options) as scope:
                self.scopes[step["as"]] = scope
                step["expect"] = self.state()
                step["body"] = self.body(depth + 1)
        self.attempt(step, run)

    def name_scope(self, step, depth):
        rng = self.rng
        step["as"] = self.fresh("n")
        if self.name_scopes and rng.random() < 0.1:
            step["of"] = rng.choice(list(self.name_scopes))
            name = self.name_scopes[step["of"]]
        else:
            step["name"] = name = rng.choice(
                SCOPE_NAMES * 3 + ["", None] + [n + "/" for n in SCOPE_NAMES] + BAD_NAMES)

        def run():
            with v1.name_scope(name) as scope:
                self.name_scopes[step["as"]] = scope
                step["expect"] = {"scope": scope}
                step["body"] = self.body(depth + 1)
        self.attempt(step, run)

    def get_variable(self, step, _depth):
        rng = self.rng
        step["name"] = rng.choice(self.variable_names)
        step["shape"] = rng.choices([[1], [2], None, [], [2, 3]], self.shapes)[0]
        options = {}
        if rng.random() < 0.12:
            step["trainable"] = options["trainable"] = rng.random() < 0.5
        if rng.random() < 0.12:
            step["dtype"] = rng.choice(["float32", "float64", "int32"])
            options["dtype"] = tf.as_dtype(step["dtype"])
        if rng.random() < 0.12:
            step["initializer"] = rng.choice(["ones", "zeros", 3.0, [1.0, 2.0]])
            named = isinstance(step["initializer"], str)
            options["initializer"] = (
                getattr(v1, step["initializer"] + "_initializer")() if named
                else step["initializer"])
        if rng.random() < self.partitioned:
            step["partitions"] = rng.choice(self.partitions)
            options["partitioner"] = v1.fixed_size_partitioner(step["partitions"])
        step["as"] = self.fresh("v")

        def run():
            self.describe(step, v1.get_variable(step["name"], step["shape"], **options))
        self.attempt(step, run)

    def Variable(self, step, _depth):
        step["value"] = [2.0]
        step["as"] = self.fresh("v")
        options = {}
        if self.rng.random() < 0.8:
            step["name"] = options["name"] = self.rng.choice(VARIABLE_NAMES)
        self.attempt(step, lambda: self.describe(step, v1.Variable([2.0], **options)))

    def describe(self, step, variable):
        if hasattr(variable, "_get_variable_list") or hasattr(variable, "_variable_list"):
            parts = list(variable)
            step["expect"] = {"name": variable.name, "parts": [p.name for p in parts],
                              "part_shapes": [p.shape.as_list() for p in parts]}
        else:
            step["expect"] = {"name": variable.name, "shape": variable.shape.as_list(),
                              "dtype": variable.dtype.base_dtype.name}
        first = next((name for name, earlier in self.variables if earlier is variable), None)
        if first is not None:
            step["expect"]["same_as"] = first
        self.variables.append((step["as"], variable))
        self.tensors[step["as"]] = variable

    def add(self, step, _depth):
        step["x"] = self.rng.choice([2.0] + [f"v{i}" for i in range(1, self.count + 1)])
        step["as"] = self.fresh("t")
        x = step["x"]
        if isinstance(x, str):
            if x not in self.tensors:
                step["expect"] = {"skipped": True}
                return
            x = self.tensors[x]
            if hasattr(x, "_variable_list"):
                step["x"], x = 2.0, 2.0
        if self.rng.random() < 0.4:
            step["name"] = self.rng.choice(VARIABLE_NAMES)

        def run():
            t = v1.convert_to_tensor(x) if isinstance(x, float) else x
            result = (tf.add(t, tf.constant(1, t.dtype.base_dtype), name=step["name"])
                      if "name" in step else t + 1)
            self.tensors[step["as"]] = result
            step["expect"] = {"name": result.name, "op": result.op.name}
        self.attempt(step, run)

    def constant(self, step, _depth):
        step["value"] = 1.0
        step["as"] = self.fresh("c")
        options = {}
        if self.rng.random() < 0.6:
            step["name"] = options["name"] = self.rng.choice(VARIABLE_NAMES)

        def run():
            result = v1.constant(1.0, **options)
            self.tensors[step["as"]] = result
            step["expect"] = {"name": result.name, "op": result.op.name}
        self.attempt(step, run)


class SlotProgram(Program):
    """With optimizers in the scopes; their slots are noted where TensorFlow names them."""

    KINDS = {"Adam": [0.1], "Momentum": [0.1, 0.9], "RMSProp": [0.1], "Ftrl": [0.1],
             "GradientDescent": [0.1]}
    weights = Program.weights | {"apply_gradients": 6}

    def __init__(self, rng):
        super().__init__(rng)
        self.optimizers = {}

    def apply_gradients(self, step, _depth):
        rng = self.rng
        step["as"] = self.fresh("o")
        if self.optimizers and rng.random() < 0.3:
            step["of"] = rng.choice(list(self.optimizers))
            optimizer = self.optimizers[step["of"]]
        else:
            step["optimizer"] = rng.choice(list(self.KINDS))
            options = {}
            if rng.random() < 0.15:
                step["name"] = options["name"] = "Opt"
            optimizer = getattr(v1.train, step["optimizer"] + "Optimizer")(
                *self.KINDS[step["optimizer"]], **options)
            self.optimizers[step["as"]] = optimizer
        different = {id(v): (name, v) for name, v in self.variables}.values()
        usable = [(name, v) for name, v in different
                  if v.dtype.base_dtype.is_floating and v.shape.is_fully_defined()]
        chosen = rng.sample(usable, min(len(usable), rng.randint(1, 3)))
        step["variables"] = [name for name, _ in chosen]

        def run():
            pairs = []
            for _, variable in chosen:
                for part in variable if hasattr(variable, "_variable_list") else [variable]:
                    if any(part is earlier for _, earlier in pairs):
                        continue
                    with v1.name_scope("gradient"):
                        zeros = np.zeros(part.shape.as_list(), part.dtype.base_dtype.as_numpy_dtype)
                        pairs.append((tf.constant(zeros), part))
            done = optimizer.apply_gradients(pairs)
            slots = [sorted(optimizer.get_slot(v, n).op.name for n in optimizer.get_slot_names())
                     for _, v in pairs]
            step["expect"] = {
                "op": done.name, "slots": slots,
                "scalars": [v.op.name for v in optimizer._non_slot_variables()]}
        self.attempt(step, run)


class ReuseProgram(Program):
    """Gets a few variables again and again, partitioned ones above all, in captured scopes too."""

    weights = {"get_variable": 12, "Variable": 0.5, "add": 1, "scope_state": 0.5,
               "reuse_variables": 2}
    scope_weights = {"variable_scope": 6, "name_scope": 0.5}
    entered = {"name": 4, "default": 1, "captured": 5}
    reuse = [1, 12, 0.3, 3]
    scope_names = ["x"]
    variable_names = ["a", "b"]
    shapes = [0, 8, 2, 0, 0]
    partitioned = 0.7
    partitions = [2]
    steps = (2, 6)

    def kinds(self, depth):
        # Outside of a scope nothing is reused.
        return {"variable_scope": 1} if depth == 0 else super().kinds(depth)


def record_scopes(kind, prefix, count):
    programs = []
    for number in range(count):
        program = kind(random.Random(f"{prefix}-{number}"))
        with tf.Graph().as_default():
            body = program.body(0)
            slots = "/Adam", "/Opt", "/Momentum", "/RMSProp", "/Ftrl", "/beta1_p", "/beta2_p"
            expect = {"global_variables": [v.name for v in v1.global_variables()
                                           if not any(s in "/" + v.name for s in slots)],
                      "trainable_variables": [v.name for v in v1.trainable_variables()]}
        programs.append({"id": f"{prefix}-{number}", "body": body, "expect": expect})
    return programs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--scopes", type=int, default=400, help="how many scope programs")
    parser.add_argument("--slots", type=int, default=100, help="how many with optimizers")
    parser.add_argument("--reuse", type=int, default=0,
                        help="how many more, of programs that get the same variables again")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=pathlib.Path, help="a directory for all recordings")
    where.add_argument("--add-to", type=pathlib.Path,
                       help="a scopes.json that the scope programs are added to, nothing else")
    flags = parser.parse_args()
    v1.disable_eager_execution()
    v1.enable_resource_variables()
    programs = (record_scopes(Program, flags.seed, flags.scopes)
                + record_scopes(ReuseProgram, f"reuse-{flags.seed}", flags.reuse))
    if flags.add_to:
        recording = json.loads(flags.add_to.read_text())
        recording["programs"] += programs
        flags.add_to.write_text(json.dumps(recording, separators=(",", ":")))
        return
    flags.out.mkdir(parents=True, exist_ok=True)
    for kind, key, cases in [
            ("scopes", "programs", programs),
            ("slots", "programs", record_scopes(SlotProgram, flags.seed, flags.slots)),
            ("ops", "cases", OpCases(flags.seed).record()),
            ("optimizers", "cases", record_optimizers(flags.seed))]:
        text = json.dumps({"tensorflow": tf.__version__, key: cases})
        (flags.out / f"{kind}.json").write_text(text)


if __name__ == "__main__":
    main()
