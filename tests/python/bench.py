"""bench.py SECTION... [--rounds N] [--tensorflow PYTHON]: what Python and the frameworks cost.

overhead  a step of varscope.torch's and varscope.jax's optimizers beside PyTorch's (on one thread) and
          optax's own
tables    a step of PyTorch's with 128 rows of a sparse embedding, of which the rows come or all of it
session   an empty run and a scalar step of Session.run, beside those of TensorFlow, which PYTHON has
models    steps of an MLP and a CNN from Python beside the same from C++ (build/release/bin/varscope_bench)
loops     an LSTM's step and a while_loop, forward and with its gradient, with a server of one's own,
          beside TensorFlow's in its own process

Each round measures both sides, one after the other. A figure is the best of the rounds' medians, as in
tests/bench: a neighbour on the same host slows a virtual machine for a while. Run it with
build/python-venv/bin/python.
"""

import argparse
import contextlib
import importlib.util
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve()
BENCH = HERE.parents[2] / "build" / "release" / "bin" / "varscope_bench"
WARM_UP, SECONDS, LEAST = 0.5, 0.75, 7
LAYERS = {"digit classifier": (64, 64, 10), "MLP": (784, 512, 512, 10)}


def measure(operation):
    """The median of its times, in seconds."""
    begin = time.perf_counter()
    while time.perf_counter() - begin < WARM_UP:
        operation()
    times = []
    begin = time.perf_counter()
    while len(times) < LEAST or time.perf_counter() - begin < SECONDS:
        start = time.perf_counter()
        operation()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def paired(rounds, one, other):
    """The best medians of both, measured in turns."""
    pairs = [(one(), other()) for _ in range(rounds)]
    return min(a for a, _ in pairs), min(b for _, b in pairs)


def shapes(layers):
    return [shape for inputs, outputs in zip(layers, layers[1:])
            for shape in ((inputs, outputs), (outputs,))]


def torch_steps(layers, store):
    """Adam's step with varscope, and PyTorch's own."""
    import torch

    import varscope.torch
    torch.set_num_threads(1)

    def parameters():
        model = torch.nn.ParameterList([torch.zeros(shape) for shape in shapes(layers)])
        for parameter in model:
            parameter.grad = torch.full_like(parameter, 1e-3)
        return model
    ours, own = parameters(), parameters()
    varscope.torch.share(ours, store)
    return (varscope.torch.Adam(ours.parameters()).step,
            torch.optim.Adam(own.parameters()).step)


def jax_steps(layers, store):
    """The same with JAX, and optax's, jitted."""
    import jax
    import jax.numpy as jnp
    import optax

    import varscope.jax
    params = [jnp.zeros(shape) for shape in shapes(layers)]
    gradients = [jnp.full(shape, 1e-3) for shape in shapes(layers)]
    optimizer = varscope.jax.adam(varscope.jax.share(params, store), 1e-3)
    own = optax.adam(1e-3)

    @jax.jit
    def update(gradients, state, params):
        updates, state = own.update(gradients, state)
        return optax.apply_updates(params, updates), state
    kept = [params, own.init(params)]

    def step():
        kept[:] = jax.block_until_ready(update(gradients, kept[1], kept[0]))
    return lambda: jax.block_until_ready(optimizer.step(gradients)), step


def overhead(options):
    import varscope
    from conftest import start_server
    for name, steps in (("torch", torch_steps), ("jax", jax_steps)):
        if importlib.util.find_spec(name) is None:
            print(f"{name} is not installed")
            continue
        for model, layers in LAYERS.items():
            with start_server() as target:
                ours, own = steps(layers, varscope.connect(target))
                a, b = paired(options.rounds, lambda: measure(ours), lambda: measure(own))
            print(f"{name}, Adam's step, {model}: {a * 1e6:.0f} us, {name}'s own {b * 1e6:.0f} us: "
                  f"{(a - b) * 1e6:.0f} us more")


def table_step(shape, transport, target, whole):
    """A step that looks up 128 random rows."""
    import torch

    import varscope
    import varscope.torch
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Embedding(*shape, sparse=True), torch.nn.Linear(shape[1], 1))
    shared = varscope.torch.share(model, varscope.connect(target, transport=transport))
    if whole:
        shared.tables.treat_whole("0.weight")
    optimizer = varscope.torch.SGD(model.parameters(), lr=0.1)

    def step():
        optimizer.zero_grad()
        model(torch.randint(shape[0], (128,))).square().mean().backward()
        optimizer.step()
    return step


def loopback_bytes(operation):
    """How many bytes of it go over this machine's loopback, whosever they are."""
    def received():
        text = pathlib.Path("/proc/net/dev").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.strip().startswith("lo:"))
    before = received()
    for _ in range(10):
        operation()
    return (received() - before) / 10


def tables(options):
    from conftest import start_server
    for rows in (10**5, 10**6):
        for transport in ("target", "auto"):
            with start_server() as one, start_server() as other:
                few = table_step((rows, 64), transport, one, whole=False)
                all_ = table_step((rows, 64), transport, other, whole=True)
                a, b = paired(options.rounds, lambda: measure(few), lambda: measure(all_))
                said = "" if transport == "auto" else (
                    f"; {loopback_bytes(few) / 1e6:.2f} MB and {loopback_bytes(all_) / 1e6:.2f} MB")
            print(f"{rows} x 64, {'TCP' if said else 'shared memory'}: {a * 1e3:.2f} ms with the rows, "
                  f"{b * 1e3:.2f} ms with all of it{said}", flush=True)


def session_figures(tf, target=""):
    """An empty run and a step of one scalar."""
    with tf.Graph().as_default():
        on_ps = target.startswith("grpc://")
        with tf.device("/job:ps/task:0") if on_ps else contextlib.nullcontext():
            w = tf.get_variable("w", [], initializer=tf.zeros_initializer(), use_resource=True)
        step = tf.train.GradientDescentOptimizer(0.1).minimize(tf.square(w - 1.0))
        empty, start = tf.no_op(), tf.global_variables_initializer()
        with tf.Session(target) as session:
            session.run(start)
            return [measure(lambda: session.run(empty)), measure(lambda: session.run(step))]


def lstm_step(tf):
    """Adam's step of 28 rounds of an LSTM with 128 units, over 64 rows of 28 numbers."""
    steps, batch, inputs, units = 28, 64, 28, 128
    rows = tf.placeholder(tf.float32, [steps, batch, inputs])
    labels = tf.placeholder(tf.int64, [batch])
    kernel = tf.get_variable("kernel", [inputs + units, 4 * units], use_resource=True)
    bias = tf.get_variable("bias", [4 * units], initializer=tf.zeros_initializer(),
                           use_resource=True)
    output = tf.get_variable("output", [units, 10], use_resource=True)

    def one(i, state, hidden):
        gates = tf.nn.bias_add(tf.matmul(tf.concat([tf.gather(rows, i), hidden], 1), kernel), bias)
        enter, new, forget, leave = tf.split(gates, 4, 1)
        state = tf.sigmoid(forget + 1.0) * state + tf.sigmoid(enter) * tf.tanh(new)
        return i + 1, state, tf.sigmoid(leave) * tf.tanh(state)
    zero = tf.zeros([batch, units])
    hidden = tf.while_loop(lambda i, *_: i < steps, one, (0, zero, zero))[2]
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=labels, logits=tf.matmul(hidden, output)))
    random = np.random.RandomState(1)
    return tf.train.AdamOptimizer(0.001).minimize(loss), {
        rows: random.uniform(size=(steps, batch, inputs)).astype(np.float32),
        labels: random.randint(10, size=batch)}


def loop_figures(tf):
    """A loop of 100 rounds of little work: itself, and with its gradient; and an LSTM's step."""
    figures = []
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [8])
        last = tf.while_loop(lambda i, _: i < 100, lambda i, y: (i + 1, tf.sin(y) + x), (0, x))[1]
        gradient = tf.gradients(last, x)[0]
        with tf.Session() as session:
            feeds = {x: np.ones(8, np.float32)}
            for fetch in (last, gradient):
                figures.append(measure(lambda: session.run(fetch, feeds)))
    with tf.Graph().as_default():
        step, feeds = lstm_step(tf)
        start = tf.global_variables_initializer()
        with tf.Session() as session:
            session.run(start)
            figures.append(measure(lambda: session.run(step, feeds)))
    return figures


def loops(options):
    import varscope.compat.v1 as tf
    sides = {"varscope": lambda: loop_figures(tf)}
    if options.tensorflow:
        sides["TensorFlow"] = lambda: in_tensorflow(options, "loops")
    else:
        print("without TensorFlow: --tensorflow names a Python that has it")
    seen = [{name: figures() for name, figures in sides.items()} for _ in range(options.rounds)]
    for i, what in enumerate(["a while_loop of 100 rounds", "its gradient", "an LSTM's step"]):
        print(f"{what}: " + ", ".join(f"{name} {min(one[name][i] for one in seen) * 1e3:.2f} ms"
                                      for name in sides))


def in_tensorflow(options, figures):
    """Those figures, from TensorFlow's Python."""
    return json.loads(subprocess.run(
        [options.tensorflow, HERE, "--one-tensorflow", figures], text=True, check=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.splitlines()[-1])


def tensorflow_figures(which):
    """In TensorFlow's Python."""
    import tensorflow.compat.v1 as tf
    tf.disable_v2_behavior()
    if which == "loops":
        return loop_figures(tf)
    if which == "session":
        return session_figures(tf)
    import socket
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = [one.getsockname()[1], two.getsockname()[1]]
    cluster = {"ps": [f"127.0.0.1:{ports[0]}"], "worker": [f"127.0.0.1:{ports[1]}"]}
    serve = ("import sys, json, tensorflow.compat.v1 as tf\n"
             "tf.train.Server(json.loads(sys.argv[1]), 'ps', 0).join()")
    ps = subprocess.Popen([sys.executable, "-c", serve, json.dumps(cluster)])
    try:
        return session_figures(tf, tf.train.Server(cluster, "worker", 0).target)
    finally:
        ps.kill()
        ps.wait()


def session(options):
    import varscope.compat.v1 as tf
    from conftest import start_server

    def ours():
        with start_server() as target:
            return session_figures(tf, target)
    sides = {"varscope, variables on a server": ours}
    if options.tensorflow:
        for name, figures in (("TensorFlow, variables in the process", "session"),
                              ("TensorFlow, variables on a ps", "session on a ps")):
            sides[name] = lambda figures=figures: in_tensorflow(options, figures)
    else:
        print("without TensorFlow: --tensorflow names a Python that has it")
    seen = [{name: figures() for name, figures in sides.items()} for _ in range(options.rounds)]
    for name in sides:
        empty, step = (min(one[name][i] for one in seen) for i in (0, 1))
        print(f"Session.run, {name}: an empty run {empty * 1e6:.0f} us, a scalar step "
              f"{step * 1e6:.0f} us")


def dense(tf, x, units, scope):
    with tf.variable_scope(scope):
        kernel = tf.get_variable("kernel", [x.shape[-1], units])
        bias = tf.get_variable("bias", [units], initializer=tf.zeros_initializer())
        return tf.nn.bias_add(tf.matmul(x, kernel), bias)


def convolution(tf, x, filters, scope):
    with tf.variable_scope(scope):
        kernel = tf.get_variable("kernel", [5, 5, x.shape[-1], filters])
        bias = tf.get_variable("bias", [filters], initializer=tf.zeros_initializer())
        maps = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME"), bias))
        return tf.nn.max_pool(maps, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")


def mlp(tf, pixels):
    first = tf.nn.relu(dense(tf, pixels, 512, "first"))
    return dense(tf, tf.nn.relu(dense(tf, first, 512, "second")), 10, "logits")


def cnn(tf, pixels):
    first = convolution(tf, tf.reshape(pixels, [64, 28, 28, 1]), 32, "first")
    flat = tf.reshape(convolution(tf, first, 64, "second"), [64, 7 * 7 * 64])
    return dense(tf, tf.nn.relu(dense(tf, flat, 1024, "third")), 10, "logits")


def python_step(logits_of, transport):
    """A step of tests/bench/models.cc's, from Python."""
    import varscope
    import varscope.compat.v1 as tf
    from conftest import start_server
    with start_server() as target, tf.Graph().as_default():
        images = tf.placeholder(tf.float32, [64, 784])
        labels = tf.placeholder(tf.int64, [64])
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=labels, logits=logits_of(tf, images)))
        step = tf.train.AdamOptimizer(0.001).minimize(loss)
        start = tf.global_variables_initializer()
        random = np.random.RandomState(1)
        feeds = {images: random.uniform(size=(64, 784)).astype(np.float32),
                 labels: random.randint(10, size=64)}
        options = varscope.ConnectOptions(transport=transport)
        with tf.Session(target, config=options) as session:
            session.run(start)
            return measure(lambda: session.run([loss, step], feeds))


def cpp_step(what, over):
    with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
        subprocess.run([BENCH, "--only", "training", "--what", what, "--over", over,
                        "--json", file.name], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        [figure] = [figure for figure in json.load(file) if figure["what"] == what]
        return figure["median_seconds"]


def models(options):
    if not BENCH.exists():
        sys.exit(f"{BENCH} is not there: bash docker/build.sh release varscope_bench builds it")
    for name, logits in (("MLP", mlp), ("CNN", cnn)):
        for over, transport in (("tcp", "target"), ("shm", "auto")):
            a, b = paired(options.rounds, lambda: python_step(logits, transport),
                                 lambda: cpp_step(f"{name} step", over))
            print(f"{name} step over {over}: {a * 1e3:.2f} ms from Python, {b * 1e3:.2f} ms from C++: "
                  f"{(a / b - 1) * 100:+.1f} %")


def main():
    if sys.argv[1:2] == ["--one-tensorflow"]:
        print(json.dumps(tensorflow_figures(sys.argv[2])))
        return
    sections = {"overhead": overhead, "tables": tables, "session": session, "models": models,
                "loops": loops}
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="+", choices=sections, metavar="SECTION")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tensorflow", metavar="PYTHON")
    options = parser.parse_args()
    for name in options.sections:
        sections[name](options)


if __name__ == "__main__":
    main()
