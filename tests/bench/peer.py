"""What the peers in Python share: their sizes, their rounds, and figures as measure.h has them."""

import json
import os
import resource
import socket
import sys
import time

QUICK = sys.argv[2:] == ["--quick"]
SIZES = [4, 4 << 10, 64 << 10, 1 << 20, 16 << 20] + ([] if QUICK else [100 << 20])
WARM_UP = 0.1 if QUICK else 0.5
SECONDS = 0.2 if QUICK else 0.75
MIN_RUNS = 7


def check_arguments():
    if len(sys.argv) < 2 or sys.argv[2:] not in ([], ["--quick"]):
        sys.exit(f"usage: {os.path.basename(sys.argv[0])} JSON [--quick]")


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def cpu_of(pid):
    if pid == 0:  # nobody's
        return 0
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_of(pid):
    if pid == 0:
        return 0
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmHWM"):
            return 1024 * int(line.split()[1])
    return 0


def own_cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(peer, what, size, server, operation):
    """One figure of the peer, whose server is the process `server`; 0: it has none."""
    cold = time.perf_counter()
    operation()
    while time.perf_counter() - cold < WARM_UP:
        operation()
    times = []
    own, other = own_cpu(), cpu_of(server)
    start = time.perf_counter()
    while len(times) < MIN_RUNS or time.perf_counter() - start < SECONDS:
        begin = time.perf_counter()
        operation()
        times.append(time.perf_counter() - begin)
    elapsed = time.perf_counter() - start
    times.sort()
    n = len(times)
    return {
        "what": what, "transport": peer, "bytes": size, "workers": 1, "runs": n,
        "median_seconds": times[n // 2], "p99_seconds": times[min(n - 1, n * 99 // 100)],
        "operations_per_second": n / elapsed, "client_cpu_seconds": (own_cpu() - own) / n,
        "server_cpu_seconds": (cpu_of(server) - other) / n, "server_peak_bytes": peak_of(server)}


def write_rounds(measure_all):
    """Measures in rounds; each figure goes to the file as its best round has it: see measure.h."""
    rounds = [measure_all() for _ in range(1 if QUICK else 2)]
    results = [min(same, key=lambda result: result["median_seconds"]) for same in zip(*rounds)]
    with open(sys.argv[1], "w") as out:
        json.dump(results, out, indent=1)
