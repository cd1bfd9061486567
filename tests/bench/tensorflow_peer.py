"""tensorflow_peer.py JSON [--quick]: the same sizes through TensorFlow's own parameter server, with
one ps and one worker on loopback, the optimizer applied on the ps; the same training step through
its Session; the models of models.cc, also without a ps; and the digit classifier with one and three
workers."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import numpy as np
import tensorflow.compat.v1 as tf

import peer

PEER = "TensorFlow"
LOCAL = "TensorFlow, no ps"
DIGITS = pathlib.Path(__file__).parents[2] / "client/examples/data/digits.csv.gz"
CLASSIFIER_BYTES = 2 * 6586 * 4  # as training.cc has it

tf.disable_v2_behavior()
tf.logging.set_verbosity(tf.logging.ERROR)


class Cluster:
    """A ps, a process of its own, and the addresses of the workers that are to come."""

    def __init__(self, workers):
        self.ports = [str(port) for port in peer.free_ports(1 + workers)]

    def __enter__(self):
        self.ps = self.start("--ps")
        return self

    def __exit__(self, *_):
        self.ps.kill()
        self.ps.wait()

    def start(self, *role):
        return subprocess.Popen([sys.executable, os.path.abspath(__file__), *role, *self.ports])


def join(job, task, ports):
    addresses = ["127.0.0.1:" + port for port in ports]
    spec = tf.train.ClusterSpec({"ps": addresses[:1], "worker": addresses[1:]})
    return tf.train.Server(spec, job_name=job, task_index=task)


def measure_transfers(target, size, ps):
    tf.reset_default_graph()
    shape = [size // 4]
    with tf.device("/job:ps/task:0"):
        w = tf.get_variable("w", shape, initializer=tf.zeros_initializer(), use_resource=True)
        slot = tf.get_variable("m", shape, initializer=tf.zeros_initializer(), use_resource=True)
        slot2 = tf.get_variable("v", shape, initializer=tf.zeros_initializer(), use_resource=True)
    with tf.device("/job:worker/task:0"):
        gradient = tf.get_variable(
            "g", initializer=np.full(shape, 0.001, np.float32), use_resource=True)
        local = gradient.read_value()
    with tf.device("/job:ps/task:0"):
        sgd = tf.raw_ops.ResourceApplyGradientDescent(var=w.handle, alpha=0.001, delta=local)
        adam = tf.raw_ops.ResourceApplyAdam(
            var=w.handle, m=slot.handle, v=slot2.handle, beta1_power=0.9, beta2_power=0.999,
            lr=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, grad=local)
        value = w.read_value()
        with tf.control_dependencies([sgd]):
            after = tf.identity(w.read_value())
    with tf.device("/job:worker/task:0"):
        # The value is there, but Python does not get it.
        pull = tf.identity(value).op
        both = tf.identity(after).op
    config = tf.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    with tf.Session(target, config=config) as session:
        session.run(tf.global_variables_initializer())
        run = {op: session.make_callable(op) for op in (pull, both, sgd, adam)}
        figure = lambda what, size, op: peer.measure(PEER, what, size, ps, run[op])
        return [figure("pull", size, pull), figure("push+SGD", size, sgd),
                figure("pull+push", 2 * size, both), figure("push+Adam", size, adam)]


def on_ps(task):
    """Variables on the ps, ops on the worker."""
    return tf.train.replica_device_setter(ps_tasks=1, worker_device=f"/job:worker/task:{task}")


def measure_training(target, size, ps):
    """The program of training.cc."""
    tf.reset_default_graph()
    with tf.device(on_ps(0)):
        w = tf.get_variable("w", [size // 4], initializer=tf.ones_initializer(), use_resource=True)
        train = tf.train.GradientDescentOptimizer(1e-6).minimize(tf.reduce_sum(tf.square(w)))
    with tf.Session(target) as session:
        session.run(tf.global_variables_initializer())
        return peer.measure(PEER, "training step", 2 * size, ps, session.make_callable(train))


def dense(x, units, scope):
    with tf.variable_scope(scope, use_resource=True):
        kernel = tf.get_variable("kernel", [x.shape[-1], units])
        bias = tf.get_variable("bias", [units], initializer=tf.zeros_initializer())
        return tf.nn.bias_add(tf.matmul(x, kernel), bias)


def convolution(x, filters, scope):
    with tf.variable_scope(scope, use_resource=True):
        kernel = tf.get_variable("kernel", [5, 5, x.shape[-1], filters])
        bias = tf.get_variable("bias", [filters], initializer=tf.zeros_initializer())
        maps = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME"), bias))
        return tf.nn.max_pool(maps, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")


def mlp(pixels):
    hidden = tf.nn.relu(dense(tf.nn.relu(dense(pixels, 512, "first")), 512, "second"))
    return dense(hidden, 10, "logits")


def cnn(pixels):
    x = convolution(tf.reshape(pixels, [64, 28, 28, 1]), 32, "first")
    x = convolution(x, 64, "second")
    return dense(tf.nn.relu(dense(tf.reshape(x, [64, 3136]), 1024, "third")), 10, "logits")


def lstm(pixels):
    with tf.variable_scope("cell", use_resource=True):
        kernel = tf.get_variable("kernel", [28 + 128, 512])
        bias = tf.get_variable("bias", [512], initializer=tf.zeros_initializer())
        state = output = tf.zeros([64, 128])
        for row in range(28):
            x = tf.slice(pixels, [0, row * 28], [64, 28])
            gates = tf.nn.bias_add(tf.matmul(tf.concat([x, output], 1), kernel), bias)
            gate = [tf.slice(gates, [0, i * 128], [64, 128]) for i in range(4)]
            state = state * tf.sigmoid(gate[2] + 1) + tf.sigmoid(gate[0]) * tf.tanh(gate[1])
            output = tf.tanh(state) * tf.sigmoid(gate[3])
        return dense(output, 10, "logits")


def embedding(words):
    table = tf.get_variable("table", [50000, 64], use_resource=True)
    return dense(tf.reduce_mean(tf.nn.embedding_lookup(table, words), 1), 10, "logits")


# As models.cc has them: name, logits, optimizer, elements that are moved.
MODELS = [("MLP", mlp, lambda: tf.train.AdamOptimizer(0.001), 669706),
          ("CNN", cnn, lambda: tf.train.AdamOptimizer(0.001), 3274634),
          ("LSTM", lstm, lambda: tf.train.AdamOptimizer(0.001), 81674),
          ("embedding", embedding, lambda: tf.train.AdagradOptimizer(0.05), 64 * 20 * 64 + 650)]


def measure_model(peer_name, target, device, server, name, logits_of, optimizer, moved):
    """One of the models of models.cc."""
    random = np.random.RandomState(1)
    if name == "embedding":
        given = random.randint(0, 50000, [64, 20])
    else:
        given = random.uniform(0, 1, [64, 784]).astype(np.float32)
    tf.reset_default_graph()
    with tf.device(device):
        examples = tf.placeholder(given.dtype, given.shape, "examples")
        labels = tf.placeholder(tf.int64, [64], "labels")
        logits = logits_of(examples)
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
        train = optimizer().minimize(loss)
    classes = random.randint(0, 10, 64)
    with tf.Session(target) as session:
        session.run(tf.global_variables_initializer())
        forward = session.make_callable(logits, feed_list=[examples])
        step = session.make_callable([loss, train], feed_list=[examples, labels])
        return [peer.measure(peer_name, f"{name} forward", 4 * moved, server,
                             lambda: forward(given)),
                peer.measure(peer_name, f"{name} step", 8 * moved, server,
                             lambda: step(given, classes))]


def measure_models(target, server):
    return [figure for model in MODELS
            for where in ((LOCAL, "", None, 0), (PEER, target, on_ps(0), server))
            for figure in measure_model(*where, *model)]


def classify(counts, task, ports):
    """The program of client/examples/classifier.cc, as worker `task`; counts its steps."""
    def layer(scope, shape, x, op):
        with tf.variable_scope(scope):
            kernel = tf.get_variable("kernel", shape)
            bias = tf.get_variable("bias", shape[-1:], initializer=tf.zeros_initializer())
            return tf.nn.bias_add(op(x, kernel), bias)

    convolution = lambda x, kernel: tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME")
    data = np.loadtxt(DIGITS, delimiter=",", dtype=np.float32)
    server = join("worker", task, ports)
    with tf.device(on_ps(task)), tf.variable_scope("classifier", use_resource=True):
        images = tf.placeholder(tf.float32, [None, 64], "images")
        labels = tf.placeholder(tf.int64, [None], "labels")
        x = tf.nn.relu(layer("first", [3, 3, 1, 12], tf.reshape(images, [-1, 8, 8, 1]),
                             convolution))
        x = tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
        x = tf.nn.relu(layer("second", [3, 3, 12, 24], x, convolution))
        logits = layer("logits", [4 * 4 * 24, 10], tf.reshape(x, [-1, 4 * 4 * 24]), tf.matmul)
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    with tf.device(on_ps(task)):
        # The program's loop asks for the global step, which comes with each push of varscope.
        train = tf.train.AdamOptimizer(0.001).minimize(
            loss, global_step=tf.train.get_or_create_global_step())
        missing = tf.report_uninitialized_variables()
    # A worker need not wait for those that are yet to start.
    config = tf.ConfigProto(device_filters=["/job:ps", f"/job:worker/task:{task}"])
    with tf.Session(server.target, config=config) as session:
        if task == 0:
            session.run(tf.global_variables_initializer())
        while session.run(missing).size > 0:
            time.sleep(0.05)
        run = session.make_callable([loss, train], feed_list=[images, labels])
        random = np.random.RandomState(task)
        while True:
            rows = random.randint(0, len(data), 32)
            run(data[rows, :64] / 16, data[rows, 64].astype(np.int64))
            counts[task] += 1


def measure_classifier(workers, seconds):
    with Cluster(workers) as cluster, tempfile.NamedTemporaryFile() as file:
        file.truncate(8 * workers)
        counts = np.memmap(file.name, np.int64)
        each = [cluster.start("--classifier", file.name, str(task)) for task in range(workers)]
        try:
            while counts.min() < 50:
                if any(process.poll() is not None for process in each):
                    sys.exit("a classifier ended before it was measured")
                time.sleep(0.05)
            cpu = lambda: sum(peer.cpu_of(process.pid) for process in each)
            own, other, before, start = (cpu(), peer.cpu_of(cluster.ps.pid), counts.sum(),
                                         time.perf_counter())
            time.sleep(seconds)
            steps, elapsed = int(counts.sum() - before), time.perf_counter() - start
            return {"what": "digit classifier", "transport": PEER, "bytes": CLASSIFIER_BYTES,
                    "workers": workers, "runs": steps, "median_seconds": workers * elapsed / steps,
                    "p99_seconds": 0, "operations_per_second": steps / elapsed,
                    "client_cpu_seconds": (cpu() - own) / steps,
                    "server_cpu_seconds": (peer.cpu_of(cluster.ps.pid) - other) / steps,
                    "server_peak_bytes": peer.peak_of(cluster.ps.pid)}
        finally:
            for process in each:
                process.kill()
                process.wait()


def main():
    if sys.argv[1:2] == ["--ps"]:
        join("ps", 0, sys.argv[2:]).join()
        return
    if sys.argv[1:2] == ["--classifier"]:
        classify(np.memmap(sys.argv[2], np.int64), int(sys.argv[3]), sys.argv[4:])
        return
    peer.check_arguments()
    with Cluster(1) as cluster:
        ps = cluster.ps.pid
        target = join("worker", 0, cluster.ports).target
        figures = lambda: ([figure for size in peer.SIZES
                            for figure in measure_transfers(target, size, ps)]
                           + [measure_training(target, size, ps) for size in peer.SIZES]
                           + measure_models(target, ps)
                           + [measure_classifier(n, 1 if peer.QUICK else 4) for n in (1, 3)])
        peer.write_rounds(figures)


main()
