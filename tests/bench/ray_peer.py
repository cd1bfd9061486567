"""ray_peer.py JSON [--quick]: the same sizes through a Ray actor, which has the array and applies
SGD to it; large arrays go through Ray's shared memory."""

import os
import tempfile

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_AUTH_MODE"] = "disabled"  # else a token is left in the home directory
import numpy as np
import ray

import peer


@ray.remote(num_cpus=0)
class Server:
    def create(self, elements):
        self.w = np.zeros(elements, np.float32)

    def pid(self):
        return os.getpid()

    def pull(self):
        return self.w

    def push(self, gradient):
        self.w -= np.float32(0.001) * gradient

    def push_and_pull(self, gradient):
        self.push(gradient)
        return self.w


def measure_size(size, server, pid):
    ray.get(server.create.remote(size // 4))
    gradient = np.full(size // 4, 0.001, np.float32)
    figure = lambda what, size, run: peer.measure("Ray", what, size, pid, run)
    return [
        figure("pull", size, lambda: ray.get(server.pull.remote())),
        figure("push+SGD", size, lambda: ray.get(server.push.remote(gradient))),
        figure("pull+push", 2 * size, lambda: ray.get(server.push_and_pull.remote(gradient)))]


def main():
    peer.check_arguments()
    with tempfile.TemporaryDirectory(prefix="varscope-ray-") as folder:
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False,
                 object_store_memory=2 << 30, _temp_dir=folder)
        server = Server.remote()
        pid = ray.get(server.pid.remote())
        peer.write_rounds(
            lambda: [figure for size in peer.SIZES for figure in measure_size(size, server, pid)])
        ray.shutdown()


main()
