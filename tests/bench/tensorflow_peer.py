"""tensorflow_peer.py JSON [--quick]: the same sizes through TensorFlow's own parameter server, with
one ps and one worker on loopback, the optimizer applied on the ps."""

import json
import os
import resource
import socket
import subprocess
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()
tf.logging.set_verbosity(tf.logging.ERROR)


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def server(job, ps_port, worker_port):
    cluster = tf.train.ClusterSpec(
        {"ps": [f"127.0.0.1:{ps_port}"], "worker": [f"127.0.0.1:{worker_port}"]})
    return tf.train.Server(cluster, job_name=job, task_index=0)


def cpu_of(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_of(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmHWM"):
            return 1024 * int(line.split()[1])
    return 0


def own_cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(what, size, seconds, ps, operation):
    cold = time.perf_counter()
    operation()
    while time.perf_counter() - cold < min(0.75, seconds):
        operation()
    times = []
    own, other = own_cpu(), cpu_of(ps)
    start = time.perf_counter()
    while len(times) < 7 or time.perf_counter() - start < seconds:
        begin = time.perf_counter()
        operation()
        times.append(time.perf_counter() - begin)
    elapsed = time.perf_counter() - start
    times.sort()
    n = len(times)
    return {
        "what": what, "transport": "TensorFlow", "bytes": size, "workers": 1, "runs": n,
        "median_seconds": times[n // 2], "p99_seconds": times[min(n - 1, n * 99 // 100)],
        "operations_per_second": n / elapsed, "client_cpu_seconds": (own_cpu() - own) / n,
        "server_cpu_seconds": (cpu_of(ps) - other) / n, "server_peak_bytes": peak_of(ps)}


def measure_size(target, size, seconds, ps):
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
        return [measure("pull", size, seconds, ps, run[pull]),
                measure("push+SGD", size, seconds, ps, run[sgd]),
                measure("pull+push", 2 * size, seconds, ps, run[both]),
                measure("push+Adam", size, seconds, ps, run[adam])]


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "--ps":
        server("ps", sys.argv[2], sys.argv[3]).join()
        return
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--quick"]):
        sys.exit("usage: tensorflow_peer.py JSON [--quick]")
    quick = len(sys.argv) == 3
    sizes = [4, 4 << 10, 64 << 10, 1 << 20, 16 << 20] + ([] if quick else [100 << 20])
    ports = [str(port) for port in free_ports(2)]
    ps = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--ps"] + ports)
    try:
        target = server("worker", *ports).target
        # Each figure as its best round has it: see measure.h.
        rounds = [[result for size in sizes
                   for result in measure_size(target, size, 0.3 if quick else 1, ps.pid)]
                  for _ in range(1 if quick else 2)]
        results = [min(same, key=lambda result: result["median_seconds"]) for same in zip(*rounds)]
        with open(sys.argv[1], "w") as out:
            json.dump(results, out, indent=1)
    finally:
        ps.kill()
        ps.wait()


main()
