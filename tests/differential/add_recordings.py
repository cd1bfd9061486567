"""Adds what `run.sh --keep FOLDER` left in FOLDER to conformance/data/differential.json.

    python3 tests/differential/add_recordings.py FOLDER [--programs N]
    python3 tests/differential/add_recordings.py FOLDER/value-values-sqrt.json ...

Of the programs that agree: those that have something that too few of the others have yet. A file is
a difference; it is added as it is, to fail until it is mended.
"""
import argparse
import collections
import json
import pathlib

RECORDINGS = pathlib.Path(__file__).parent.parent / "conformance/data/differential.json"
LONGEST = 6000  # bytes of one recording
EACH = 3


def features(case):
    """What a recording is good for: each op with its dtypes, sections and hidden shapes."""
    program, answer = case["program"], case["answer"]
    dtypes = {recorded["dtype"] for recorded in program["inputs"].values()}
    hidden = any("static" in recorded for recorded in program["inputs"].values())
    errors = any("error" in named for named in answer.values())
    special = any(isinstance(x, str) for recorded in program["inputs"].values()
                  for x in recorded["data"])
    for op in program["ops"]:
        yield from ((op["op"], dtype) for dtype in dtypes)
        yield op["op"], "special", special
        yield op["op"], "hidden", hidden, errors
        yield from ((op["op"], section) for section in answer)
    if "train" in program:
        yield program["train"]["optimizer"], answer.keys() - {"values"} == {"trained"}


def short(case):
    """Without what a replay does not need."""
    for named in case["answer"].values():
        named.pop("message", None)
    return case


def diverse(cases, known, count):
    seen = collections.Counter(feature for case in known for feature in features(case))
    for case in cases:
        if count == 0:
            return
        own = set(features(case))
        if all(seen[feature] >= EACH for feature in own) or len(json.dumps(case)) > LONGEST:
            continue
        seen.update(own)
        count -= 1
        yield case


def read(path):
    if path.is_dir():
        with open(path / "agreed.jsonl") as lines:
            return [json.loads(line) for line in lines]
    return [json.loads(path.read_text())]


def write(cases):
    text = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    RECORDINGS.write_text(f'{{"tensorflow":"2.21.0","cases":[\n{text}\n]}}\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", type=pathlib.Path, nargs="+")
    parser.add_argument("--programs", type=int, default=300, help="how many of a folder's")
    flags = parser.parse_args()
    cases = json.loads(RECORDINGS.read_text())["cases"] if RECORDINGS.exists() else []
    for path in flags.paths:
        new = [short(case) for case in read(path)]
        cases += diverse(new, cases, flags.programs) if path.is_dir() else new
    write(cases)


if __name__ == "__main__":
    main()
