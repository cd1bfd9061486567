"""plot.py RESULTS.json GROWTH.svg: how the time of a step grows with variables and with workers."""
import json
import re
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt


def curve(axes, points, label, unit):
    """Measured times, and what they would be if they grew in proportion from the first on."""
    sizes, times = zip(*sorted(points))
    axes.loglog(sizes, [1e3 * t for t in times], "o-", label="measured")
    axes.loglog(sizes, [1e3 * times[0] * n / sizes[0] for n in sizes], ":", label="linear")
    axes.set(title=label, xlabel=unit, ylabel="ms (median)")
    axes.grid(True, which="both", alpha=0.3)
    axes.legend()


def main():
    results = json.load(open(sys.argv[1]))
    variables = []
    workers = []
    for r in results:
        match = re.fullmatch(r"step of (\d+) variables", r["what"])
        if match:
            variables.append((int(match[1]), r["median_seconds"]))
        if r["what"] == "step of each worker":
            workers.append((r["workers"], r["median_seconds"]))
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    curve(left, variables, "A step of variables of 1 KiB each", "variables")
    curve(right, workers, "A step of 64 KiB of each worker, all at once", "workers")
    figure.savefig(sys.argv[2], metadata={"Date": None})


main()
