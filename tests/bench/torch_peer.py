"""torch_peer.py JSON [--quick]: the same sizes through torch.distributed.rpc: one process has the
tensor and applies SGD to it, one worker calls it on loopback."""

import os
import subprocess
import sys

import torch
import torch.distributed.rpc as rpc

import peer

w = None


def create(elements):
    global w
    w = torch.zeros(elements)


def pull():
    return w


def push(gradient):
    w.sub_(gradient, alpha=0.001)


def push_and_pull(gradient):
    push(gradient)
    return w


def join(name, rank, port):
    os.environ["MASTER_ADDR"] = "127.0.0.1"
    os.environ["MASTER_PORT"] = port
    rpc.init_rpc(name, rank=rank, world_size=2)


def measure_size(size, server):
    rpc.rpc_sync("server", create, (size // 4,))
    gradient = torch.full((size // 4,), 0.001)
    figure = lambda what, size, run: peer.measure("torch RPC", what, size, server, run)
    return [
        figure("pull", size, lambda: rpc.rpc_sync("server", pull)),
        figure("push+SGD", size, lambda: rpc.rpc_sync("server", push, (gradient,))),
        figure("pull+push", 2 * size, lambda: rpc.rpc_sync("server", push_and_pull, (gradient,)))]


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--server":
        join("server", 0, sys.argv[2])
        rpc.shutdown()
        return
    peer.check_arguments()
    port = str(peer.free_ports(1)[0])
    # Both import this file under one name, by which calls name its functions.
    serve = "import sys, torch_peer; sys.argv[1:] = ['--server', sys.argv[1]]; torch_peer.main()"
    here = os.path.dirname(os.path.abspath(__file__))
    server = subprocess.Popen([sys.executable, "-c", serve, port], cwd=here)
    try:
        join("worker", 1, port)
        peer.write_rounds(
            lambda: [figure for size in peer.SIZES for figure in measure_size(size, server.pid)])
        rpc.shutdown()
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    import torch_peer

    torch_peer.main()
