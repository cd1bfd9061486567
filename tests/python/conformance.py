"""conformance.py DIR [RECORDING...]: runs recordings of TensorFlow in DIR through the Python package,
a private server for each program: scopes, ops, optimizers, or those that are named. Exit code 1
when something falls short.
"""

import json
import pathlib
import sys

import numpy as np

import varscope.compat.v1 as tf
from varscope.slots import is_slot


class Missing(Exception):
    """A step refers to something that an earlier, failed step did not make."""


class Interpreter:
    """Runs one scope program; what each step made is in `results`."""

    def __init__(self):
        self.scopes, self.name_scopes, self.tensors, self.optimizers = {}, {}, {}, {}
        self.variables = []
        self.results = []

    def body(self, steps):
        for step in steps:
            try:
                getattr(self, step["op"])(step)
            except (ValueError, TypeError) as error:
                # What follows TensorFlow's text says who defined what collides.
                self.note(step, {"error": type(error).__name__, "message": str(error)})
            except Missing:
                self.note(step, {"skipped": True})

    def note(self, step, actual):
        self.results.append((step, actual))

    def scope(self, scope):
        reuse = "auto" if scope.reuse is tf.AUTO_REUSE else scope.reuse
        return {"name": scope.name, "reuse": reuse,
                "original_name_scope": scope.original_name_scope,
                "name_scope": tf.get_default_graph().get_name_scope(), "dtype": scope.dtype.name}

    def scope_state(self, step):
        self.note(step, self.scope(tf.get_variable_scope()))

    def reuse_variables(self, step):
        tf.get_variable_scope().reuse_variables()
        self.scope_state(step)

    @staticmethod
    def initializer(recorded):
        if isinstance(recorded, str):
            return getattr(tf, recorded + "_initializer")()
        return recorded

    def found(self, kind, name):
        if name not in kind:
            raise Missing(name)
        return kind[name]

    def variable_scope(self, step):
        options = {"reuse": {"auto": tf.AUTO_REUSE}.get(step["reuse"], step["reuse"])}
        if "dtype" in step:
            options["dtype"] = tf.as_dtype(step["dtype"])
        if "initializer" in step:
            options["initializer"] = self.initializer(step["initializer"])
        options["auxiliary_name_scope"] = step.get("auxiliary_name_scope", True)
        if "scope" in step:
            arguments = [self.found(self.scopes, step["scope"])]
        else:
            # Where both are recorded the name counts.
            arguments = [step["name"], step.get("default_name")]
        with tf.variable_scope(*arguments, **options) as scope:
            self.scopes[step["as"]] = scope
            self.note(step, self.scope(scope))
            self.body(step["body"])

    def name_scope(self, step):
        name = self.found(self.name_scopes, step["of"]) if "of" in step else step["name"]
        with tf.name_scope(name) as scope:
            self.name_scopes[step["as"]] = scope
            self.note(step, {"scope": scope})
            self.body(step["body"])

    def get_variable(self, step):
        options = {}
        if "dtype" in step:
            options["dtype"] = tf.as_dtype(step["dtype"])
        if "initializer" in step:
            options["initializer"] = self.initializer(step["initializer"])
        if "trainable" in step:
            options["trainable"] = step["trainable"]
        if "partitions" in step:
            options["partitioner"] = tf.fixed_size_partitioner(step["partitions"])
        self.describe(step, tf.get_variable(step["name"], step["shape"], **options))

    def Variable(self, step):
        self.describe(step, tf.Variable(step["value"], name=step.get("name")))

    def describe(self, step, variable):
        if variable.is_partitioned:
            actual = {"name": variable.name, "parts": [p.name for p in variable],
                      "part_shapes": [p.shape.as_list() for p in variable]}
        else:
            actual = {"name": variable.name, "shape": variable.shape.as_list(),
                      "dtype": variable.dtype.name}
        first = next((name for name, earlier in self.variables if earlier == variable), None)
        if first is not None:
            actual["same_as"] = first
        self.variables.append((step["as"], variable))
        self.note(step, actual)

    def add(self, step):
        x = step["x"]
        if isinstance(x, str):
            known = dict(self.variables) | self.tensors
            x = self.found(known, x)
        else:
            x = tf.convert_to_tensor(x)
        if "name" in step:
            self.remember(step, tf.add(x, tf.constant(1, x.dtype), name=step["name"]))
        else:
            self.remember(step, x + 1)

    def constant(self, step):
        self.remember(step, tf.constant(step["value"], name=step.get("name")))

    def remember(self, step, tensor):
        self.tensors[step["as"]] = tensor
        self.note(step, {"name": tensor.name, "op": tensor.op.name})


def agrees(expected, actual):
    if "error" not in expected or "error" not in actual:
        return expected == actual
    if expected["error"] != actual["error"]:
        return False
    text = expected.get("message", "")
    return actual["message"] == text or actual["message"].startswith(
        (text + " Originally defined at:", text + "\n")) or "message" not in expected


def check_scopes(program):
    with tf.Session():
        interpreter = Interpreter()
        interpreter.body(program["body"])
        interpreter.note(program, {
            # The recorded lists are without slots, which each op has of its own.
            "global_variables": [v.name for v in tf.global_variables() if not is_slot(v)],
            "trainable_variables": [v.name for v in tf.trainable_variables()]})
    return [f"{ {k: v for k, v in step.items() if k not in ('body', 'expect')} }\n"
            f"    expected {step['expect']}\n    got      {actual}"
            for step, actual in interpreter.results if not agrees(step["expect"], actual)]


def array(recorded):
    data = [float(x) if isinstance(x, str) else x for x in recorded["data"]]
    return np.array(data, recorded.get("dtype", "float32")).reshape(recorded["shape"])


def difference(recorded, actual):
    """Nothing, where the value is the recorded one; what is compared is that of the C++ runner."""
    expected = array(recorded)
    actual = np.asarray(actual)
    if (expected.dtype, expected.shape) != (actual.dtype, actual.shape):
        return [f"expected {expected.dtype} {expected.shape}, got {actual.dtype} {actual.shape}"]
    if expected.dtype.kind != "f":
        same = np.array_equal(expected, actual)
    else:
        finite = expected[np.isfinite(expected)]
        largest = max(1.0, np.abs(finite).max(initial=0.0))
        same = np.allclose(actual, expected, rtol=1e-5, atol=1e-6 * largest, equal_nan=True)
    return [] if same else [f"expected {expected.ravel()[:8]}, got {actual.ravel()[:8]}"]


def call_op(recorded, inputs):
    function = tf
    for part in recorded["op"].split("."):
        function = getattr(function, part)
    attrs = dict(recorded["attrs"])
    listed = attrs.pop("list", False)
    if "kw" in attrs:
        return function(**dict(zip(attrs.pop("kw"), inputs)), **attrs)
    if listed:
        return function(inputs, **attrs)
    return function(*inputs, **attrs)


def dense(gradient, tensor):
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    dims = tensor.shape.as_list()
    one_hots = tf.one_hot(gradient.indices, dims[0])
    values = tf.reshape(gradient.values, [-1, int(np.prod(dims[1:]))])
    return tf.reshape(tf.matmul(one_hots, values, transpose_a=True), dims)


def check_op(recorded):
    inputs, feeds = [], {}
    for number, given in enumerate(recorded["inputs"]):
        value = array(given)
        if value.dtype.kind == "f":
            inputs.append(tf.get_variable(f"input_{number}", initializer=value).value())
        else:
            inputs.append(tf.placeholder(value.dtype, value.shape, f"input_{number}"))
            feeds[inputs[-1]] = value
    output = call_op(recorded, inputs)
    wrong = []
    if output.op.name != recorded["name"]:
        wrong.append(f"expected the name {recorded['name']}, got {output.op.name}")
    with tf.Session() as sess:
        wrong += difference(recorded["output"], sess.run(output, feeds))
        if "gradients" not in recorded:
            return wrong
        weights = tf.cast(tf.constant(array(recorded["weights"])), output.dtype)
        loss = tf.reduce_sum(output * weights)
        for name, expected in recorded["gradients"].items():
            tensor = inputs[int(name.rpartition("_")[2])]
            (gradient,) = tf.gradients(loss, [tensor])
            if expected is None or gradient is None:
                wrong += [] if expected is gradient else [f"{name}: only one side has a gradient"]
                continue
            wrong += [f"{name}: {text}" for text in difference(
                expected, sess.run(dense(gradient, tensor), feeds))]
    return wrong


def check_optimizer(recorded):
    shape = recorded["shape"]
    start = np.array(recorded["start"], np.float32).reshape(shape)
    w = tf.get_variable("model/w", initializer=start)
    values = tf.placeholder(tf.float32, [None, *shape[1:]], "gradient")
    rows = tf.placeholder(tf.int64, [None], "rows")
    gradient = tf.IndexedSlices(values, rows) if recorded["sparse"] else values
    optimizer = getattr(tf.train, recorded["optimizer"])(**recorded["hyperparameters"])
    train = optimizer.apply_gradients([(gradient, w)])
    wrong = []
    with tf.Session() as sess:
        for number, step in enumerate(recorded["steps"], 1):
            feeds = {values: np.array(step["gradient"], np.float32).reshape(-1, *shape[1:])}
            if recorded["sparse"]:
                feeds[rows] = step["rows"]
            sess.run(train, feeds)
            for name, expected in step["after"].items():
                wrong += [f"step {number}, {name}: {text}"
                          for text in difference(expected, sess.read(name))]
    return wrong


RECORDINGS = {
    "scopes": ("programs", check_scopes, lambda p: f"program {p['id']}"),
    "ops": ("cases", check_op, lambda c: f"{c['op']} {c['attrs']}"),
    "optimizers": ("cases", check_optimizer,
                   lambda c: c["optimizer"] + (" sparse" if c["sparse"] else "")),
}


def check(directory, recording):
    """Prints what differs; returns how many programs do, and how many there are."""
    key, run, title = RECORDINGS[recording]
    programs = json.loads((directory / f"{recording}.json").read_text())[key]
    failed = 0
    for program in programs:
        tf.reset_default_graph()
        try:
            wrong = run(program)
        except Exception as error:  # noqa: BLE001 (one program that stops is one that fails)
            wrong = [f"stopped: {type(error).__name__}: {error}"]
        if wrong:
            failed += 1
            print(f"{recording}: {title(program)}\n  " + "\n  ".join(wrong))
    print(f"{recording}: {len(programs) - failed} of {len(programs)} agree, through Python",
          flush=True)
    return failed


def main():
    directory = pathlib.Path(sys.argv[1])
    return any([check(directory, recording) for recording in sys.argv[2:] or RECORDINGS])


if __name__ == "__main__":
    sys.exit(main())
