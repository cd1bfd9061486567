"""run.py DIR [--seconds S] [--only NAMES] [--reference PYTHON] [--python PYTHON] [--json FILE]

Runs a folder of TensorFlow 1 scripts with `python -m varscope run`, and prints a table. A script is a
.py file of the folder, or a subfolder with a file ENTRY: its first line names the script, and each
further line is one process of it, with NAME=value words for its environment first. Each runs in a copy
of its folder, with the data that it asks for made, and is stopped after some seconds.
"""

import argparse
import ast
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

FOLDER = pathlib.Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))

import digit_files  # noqa: E402

NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?(?!\w)|\bnan\b")


class Script:
    """One script: its folder, its file, and the command line of each of its processes."""

    def __init__(self, path):
        self.name = path.stem if path.suffix == ".py" else path.name
        self.folder, self.file, self.processes = path.parent, path.name, [([], {})]
        if path.is_dir():
            first, *others = (path / "ENTRY").read_text().splitlines()
            self.folder, self.file = path, first
            self.processes = [_command(line) for line in others if line.strip()] or [([], {})]

    def text(self):
        return "\n".join(file.read_text(errors="replace")
                         for file in self.folder.glob("*.py") if file.name == self.file
                         or self._imports(file.stem))

    def _imports(self, module):
        source = (self.folder / self.file).read_text(errors="replace")
        return re.search(rf"^\s*(?:import|from)\s+{re.escape(module)}\b", source, re.M)


def _command(line):
    words = shlex.split(line)
    environment = {}
    while words and re.match(r"[A-Z_]+=", words[0]):
        name, _, value = words.pop(0).partition("=")
        environment[name] = value
    return [word for word in words if word != "-"], environment


def scripts_of(folder):
    files = [path for path in sorted(folder.iterdir())
             if path.suffix == ".py" or (path / "ENTRY").exists()]
    return [Script(path) for path in files]


def make_data(script, folder):
    """Writes MNIST's files, and MovieLens's ratings, where the script looks for them."""
    text = script.text()
    arguments = [word for words, _ in script.processes for word in words]
    wanted = []
    for tree in filter(None, [_parsed(text)]):
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and _name(call.func).endswith("read_data_sets"):
                wanted += [node.value for node in ast.walk(call)
                           if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    if "read_data_sets" in text or "yann.lecun" in text:
        wanted += re.findall(r"""["']([^"'\s]*(?:mnist|MNIST)[^"'\s]*)["']""", text)
        wanted += [word.partition("=")[2] for word in arguments if "data" in word]
    for name in {name for name in wanted if "/" in name or name.isidentifier() or "-" in name}:
        if not name.startswith("http") and "tensorflow" not in name:
            digit_files.write(folder / name)
    for name in re.findall(r"""["']([^"']*ratings\.dat)["']""", text):
        _ratings(folder / name)


def _parsed(text):
    try:
        return ast.parse(text)
    except SyntaxError:
        return None


def _name(node):
    return f"{_name(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else getattr(
        node, "id", "")


def _ratings(path):
    """Ratings of MovieLens 1M's form: users and items have tastes of four dimensions."""
    import numpy as np
    random = np.random.RandomState(3)
    users, items = 6040, 3952
    tastes, kinds = random.randn(users, 4), random.randn(items, 4)
    user, item = random.randint(users, size=200_000), random.randint(items, size=200_000)
    liking = 3.5 + 0.5 * (tastes[user] * kinds[item]).sum(1) + 0.3 * random.randn(len(user))
    stars = np.clip(np.round(liking), 1, 5).astype(int)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        for row in zip(user + 1, item + 1, stars, range(len(user))):
            file.write("::".join(map(str, row)) + "\n")


class Outcome:
    """What one run of a script did."""

    def __init__(self, code, stopped, seconds, lines, error):
        self.code, self.stopped, self.seconds = code, stopped, seconds
        self.lines, self.error = lines, error

    @property
    def passed(self):
        return self.code == 0 or (self.stopped and "Traceback" not in self.error)

    def word(self):
        if self.code == 0:
            return "exit 0"
        return "stopped" if self.stopped else f"exit {self.code}"

    def figure(self, line=None):
        """The last number of the last line that has one, or of that line."""
        for text in reversed(self.lines[:None if line is None else line + 1]):
            found = NUMBER.findall(text)
            if found:
                return float(found[-1])
        return None


def run(script, command, environment, seconds):
    """Runs all processes of a script; the last one's output counts, and it ends the others."""
    with tempfile.TemporaryDirectory(prefix="scripts-") as temporary:
        folder = pathlib.Path(temporary) / "a" / "b" / "c" / "script"
        folder.parent.mkdir(parents=True)
        shutil.copytree(script.folder, folder, ignore=shutil.ignore_patterns("ENTRY"))
        make_data(script, folder)
        begin = time.monotonic()
        started = []
        for index, (words, own) in enumerate(script.processes):
            out = open(pathlib.Path(temporary) / f"out{index}", "w+")
            err = open(pathlib.Path(temporary) / f"err{index}", "w+")
            started.append((subprocess.Popen(
                [*command, script.file, *words], cwd=folder, stdout=out, stderr=err,
                stdin=subprocess.DEVNULL, start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "MPLBACKEND": "Agg", **environment,
                     **own}), out, err))
        process = started[-1][0]
        stopped = False
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            stopped = True
        spent = time.monotonic() - begin
        for other, _, _ in started:
            if other.poll() is None:
                os.killpg(other.pid, signal.SIGKILL if other is process else signal.SIGTERM)
        for other, _, _ in started:
            try:
                other.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(other.pid, signal.SIGKILL)
                other.wait()
        outputs = [(_all(out), _all(err)) for _, out, err in started]
        error = "\n".join(text for _, text in outputs)
        return Outcome(process.returncode, stopped, spent, outputs[-1][0].splitlines(), error)


def _all(file):
    file.seek(0)
    with file:
        return file.read()


def with_varscope(python):
    return [python, "-m", "varscope", "run"], {
        "PYTHONPATH": str(FOLDER / "stand_ins"), "VARSCOPE_TARGET": ""}


def with_tensorflow(python, seed):
    input_data = FOLDER.parents[2] / "client" / "python" / "varscope" / "data" / "mnist.py"
    paths = os.pathsep.join(map(str, (FOLDER / "reference", FOLDER / "stand_ins")))
    return [python], {"PYTHONPATH": paths, "REFERENCE_SEED": str(seed), "TF_CPP_MIN_LOG_LEVEL": "3",
                      "REFERENCE_INPUT_DATA": str(input_data), "CUDA_VISIBLE_DEVICES": ""}


def band(outcome, references):
    """Whether the last figure is inside the references' band, and the band; None without one.

    Runs that were stopped are compared at the last line that all of them printed. A band is never
    narrower than a hundredth of its larger end.
    """
    ended = [reference for reference in references if reference.passed]
    if not ended or not outcome.lines:
        return None
    line = None
    if outcome.stopped or any(reference.stopped for reference in ended):
        line = min(len(one.lines) for one in [outcome, *ended]) - 1
    figures = [figure for figure in (one.figure(line) for one in ended) if figure is not None]
    own = outcome.figure(line)
    if not figures or own is None:
        return None
    low, high = min(figures), max(figures)
    slack = max(0.0, 0.01 * max(abs(low), abs(high)) - (high - low)) / 2 + 1e-9
    return low - slack <= own <= high + slack, low, high, own


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--only", default="")
    parser.add_argument("--reference")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--errors", action="store_true")
    options = parser.parse_args()
    rows = []
    print("| script | result | seconds | last figure | TensorFlow's band | inside |")
    print("|---|---|--:|--:|---|---|", flush=True)
    for script in scripts_of(options.folder.resolve()):
        if options.only and script.name not in options.only.split(","):
            continue
        outcome = run(script, *with_varscope(options.python), options.seconds)
        references = [] if not options.reference else [
            run(script, *with_tensorflow(options.reference, seed), options.seconds)
            for seed in (0, 1000, 2000)]
        compared = band(outcome, references)
        figure = outcome.figure() if compared is None else compared[3]
        print(f"| {script.name} {script.file} | {outcome.word()} | {outcome.seconds:.0f} | "
              f"{'' if figure is None else f'{figure:.6g}'} | "
              f"{'' if compared is None else f'{compared[1]:.6g} to {compared[2]:.6g}'} | "
              f"{'' if compared is None else 'yes' if compared[0] else 'no'} |", flush=True)
        if options.errors and not outcome.passed:
            print("\n".join("    " + line for line in outcome.error.splitlines()[-6:]), flush=True)
        rows.append({"script": script.name, "file": script.file, "result": outcome.word(),
                     "passed": outcome.passed, "seconds": outcome.seconds, "figure": figure,
                     "band": compared and list(compared[:3]), "lines": outcome.lines[-5:],
                     "error": outcome.error[-2000:],
                     "references": [one.word() for one in references]})
    passed = sum(row["passed"] for row in rows)
    print(f"\n{passed} of {len(rows)} ended with exit 0 or at the stop rule")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    sys.exit(0 if passed == len(rows) else 1)


if __name__ == "__main__":
    main()
