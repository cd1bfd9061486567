"""installed.py README: checks an installed package, with nothing but Python's own library: that the
wheel brought the programs, and that the README's programs print what the README says."""

import importlib.metadata
import pathlib
import re
import subprocess
import sys
import tempfile

BIN = pathlib.Path(sys.executable).parent


def check(what, seen, expected):
    if seen != expected:
        sys.exit(f"installed.py: {what}: saw {seen!r}, and it must be {expected!r}")
    print(f"installed.py: {what}: as it must be")


def check_files():
    files = {str(file) for file in importlib.metadata.files("varscope")}
    wanted = {f"varscope/{name}" for name in ("bin/varscoped", "bin/varscopectl", "py.typed",
                                              "_core/__init__.pyi", "_core/nn.pyi")}
    check("the files that are missing", sorted(wanted - files), [])


def check_commands():
    version = importlib.metadata.version("varscope")
    for command in ("varscoped", "varscopectl"):
        said = subprocess.run([BIN / command, "--version"], capture_output=True, text=True,
                              check=True).stdout
        check(f"the version of {command}", said.split()[-1], version)


def check_programs(readme):
    programs = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```\n", readme, re.S)
    check("the programs in the README", len(programs), 5)
    # Those of frameworks need what this environment does not have.
    programs = [one for one in programs if not re.search(r"varscope\.(jax|torch)", one[0])]
    check("those of them that need varscope alone", len(programs), 3)
    for number, (code, printed) in enumerate(programs, 1):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "program.py"
            program.write_text(code)
            done = subprocess.run([sys.executable, program], capture_output=True, text=True,
                                  check=False)
        check(f"the output of program {number}", done.stdout or done.stderr, printed)


check_files()
check_commands()
check_programs(pathlib.Path(sys.argv[1]).read_text())
