"""count.py TREE BUILD FEW MANY EXTRA [--list]: what ran EXTRA times more in MANY than in FEW.

FEW and MANY are folders of gcov's counters (GCOV_PREFIX) of the tree's server. Prints the functions
of server/ and proto/ that ran at least once more for each of the EXTRA pushes, by module: a header
and its source.
"""

import collections
import functools
import gzip
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

# Timers and polls make some functions run now and then: less often than this share of the pushes.
SHARE = 0.9


def executed(tree, build, counters):
    """Returns how often each function ran, and its name, both by (file, line)."""
    counts = collections.Counter()
    names = {}
    for data in sorted(counters.rglob("*.gcda")):
        notes = pathlib.Path("/") / data.relative_to(counters).with_suffix(".gcno")
        if not notes.exists():
            continue
        shutil.copy(notes, data.parent)
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["gcov", "--json-format", str(data)], cwd=folder, check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for report in pathlib.Path(folder).glob("*.gcov.json.gz"):
                for file in json.load(gzip.open(report))["files"]:
                    path = (build / file["file"]).resolve()
                    if not path.is_relative_to(tree) or path.is_relative_to(build):
                        continue
                    for function in file["functions"]:
                        # Instances of a template, and a lambda and what calls it, count as one.
                        key = (str(path.relative_to(tree)), function["start_line"])
                        counts[key] += function["execution_count"]
                        names[key] = function["demangled_name"]
    return counts, names


def public_header(tree, module):
    return tree / "proto/include/varscope" / f"{pathlib.Path(module).name}.h"


@functools.cache
def module_of(tree, file):
    """Returns the name of the pair that the file is of: a public header goes with its source."""
    module = file.rsplit(".", 1)[0]
    if not file.startswith("proto/include/"):
        return module
    name = f"{pathlib.Path(module).name}.cc"
    sources = [path for path in (tree / "proto").rglob(name) if "include" not in path.parts]
    return str(sources[0].relative_to(tree)).rsplit(".", 1)[0] if sources else module


def main():
    tree, build, few, many = (pathlib.Path(a).resolve() for a in sys.argv[1:5])
    extra = int(sys.argv[5])
    before, _ = executed(tree, build, few)
    after, names = executed(tree, build, many)
    on_path = sorted(key for key in after if after[key] - before[key] >= SHARE * extra)
    on_path = [key for key in on_path if key[0].startswith(("server/", "proto/"))]
    modules = collections.Counter(module_of(tree, key[0]) for key in on_path)
    lines = 0
    for module, functions in sorted(modules.items()):
        files = [tree / f"{module}{suffix}" for suffix in (".h", ".cc")]
        files.append(public_header(tree, module))
        size = sum(len(file.read_text().splitlines()) for file in set(files) if file.exists())
        lines += size
        print(f"{functions:4} functions {size:5} lines  {module}")
        if "--list" in sys.argv:
            for key in on_path:
                if module_of(tree, key[0]) == module:
                    print(f"       {after[key] - before[key]:6}  {names[key]}")
    print(f"one push: {len(modules)} modules, {len(on_path)} functions, {lines} lines")


main()
