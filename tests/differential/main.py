"""Random graphs, answered by varscope and by TensorFlow: what differs is shrunk, shown and kept."""
import argparse
import collections
import json
import pathlib
import sys
import time

import accepted
import compare
import show
from peers import TensorFlow, Varscope
from rounding import noise_of
from shrink import shrink

ROUNDED = {"value", "nan"}


class Tester:
    def __init__(self, binary):
        self.tensorflow = TensorFlow(pathlib.Path(__file__).parent)
        self.varscope = Varscope(binary)

    def differences(self, program, expected):
        """(difference, why it is accepted or None) of one program."""
        actual = self.varscope.answer(program)
        found = compare.differences(program, expected, actual)
        if any(difference.kind in ROUNDED for difference in found):
            noise = noise_of(program, expected, self.tensorflow)
            found = compare.differences(program, expected, actual, noise)
        between = {"values": self.values_of(program)} if found else {}
        return [(d, accepted.reason(program, d, expected, actual, between)) for d in found]

    def agrees_well(self, program, expected):
        """With room below the tolerances: a recording must pass on other processors, too."""
        actual = self.varscope.answer(program)
        return not compare.differences(program, expected, actual, scale=0.25)

    def differs_as(self, wanted):
        def differs(program):
            expected = self.tensorflow.answer(program)
            if expected is None:
                return False
            return any(d == wanted and why is None
                       for d, why in self.differences(program, expected))
        return differs

    def values_of(self, program):
        every = program | {"fetch": [op["as"] for op in program["ops"]]}
        every = {k: v for k, v in every.items() if k in ("inputs", "ops", "fetch")}
        values = (self.tensorflow.answer(every) or {}).get("values", {"error": ""})
        return {} if "error" in values else values

    def shrunk(self, program, difference):
        program = shrink(program, self.values_of, self.differs_as(difference))
        expected = self.tensorflow.answer(program)
        again = self.differences(program, expected)
        same = [d for d, why in again if d == difference]
        return program, expected, same[0] if same else difference


class Report:
    """What a run found, by kind and ops. One of each is shown."""

    def __init__(self, keep):
        self.keep = keep
        self.programs = self.agreed = self.lost = 0
        self.found = collections.Counter()
        self.meant = collections.Counter()

    def add(self, program, expected, difference):
        ops = "+".join(sorted({op["op"] for op in program["ops"]}))
        key = (difference.kind, difference.section, ops)
        self.found[key] += 1
        if self.found[key] > 1:
            return
        print("\n".join(["", f"{difference.kind} {difference.section}: {difference.text}",
                         *("  " + line for line in show.lines(program))]), flush=True)
        if self.keep:
            name = "-".join(part for part in key if part).replace(".", "_")[:120]
            text = json.dumps({"program": program, "answer": expected})
            (self.keep / f"{name}.json").write_text(text)

    def print(self, seconds):
        print(f"\n{self.programs} programs, {self.programs / seconds * 3600:.0f} an hour: "
              f"{self.agreed} agree, {sum(self.found.values())} differ, "
              f"{sum(self.meant.values())} as is meant, TensorFlow died of {self.lost}")
        for (kind, section, ops), count in self.found.most_common():
            print(f"{count:6} {kind} {section}: {ops}")
        for why, count in self.meant.most_common():
            print(f"{count:6} meant: {why}")


def record(program, expected, keep):
    """What agrees is a recording too: a line of agreed.jsonl."""
    with open(keep / "agreed.jsonl", "a") as lines:
        lines.write(json.dumps({"program": program, "answer": expected}) + "\n")


def run(flags):
    tester, report = Tester(flags.binary), Report(flags.keep)
    start = time.monotonic()
    number = 0
    while time.monotonic() - start < flags.minutes * 60:
        seed = f"{flags.seed}-{number}"
        number += 1
        program, expected = tester.tensorflow.draw(seed)
        report.programs += 1
        if expected is None:
            report.lost += 1
            continue
        found = tester.differences(program, expected)
        if not found:
            report.agreed += 1
            if flags.keep and tester.agrees_well(program, expected):
                record(program, expected, flags.keep)
            continue
        open_ = [difference for difference, why in found if why is None]
        if open_:
            report.add(*tester.shrunk(program, open_[0]))
        else:
            report.meant[found[0][1]] += 1
    report.print(time.monotonic() - start)
    return 1 if report.found else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path)
    flags = parser.parse_args()
    if flags.keep:
        flags.keep.mkdir(parents=True, exist_ok=True)
    sys.exit(run(flags))


if __name__ == "__main__":
    main()
