"""python -m varscope run script.py [args]: runs a program of TensorFlow 1 with varscope.
python -m varscope check script.py...: says what it needs that varscope does not have."""

from __future__ import annotations

import os
import pathlib
import re
import sys
from typing import NoReturn

_USAGE = """usage: python -m varscope run SCRIPT [ARGUMENT...]
       python -m varscope check SCRIPT...

Runs a script as Python does, except that `import tensorflow` and `import tensorflow.compat.v1` give it
varscope.compat.v1. Its variables are those of the server at VARSCOPE_TARGET, if that is set.

`check` runs nothing: it prints a line for each symbol, argument and method that varscope does not have,
in the scripts and in the modules beside them, and exits with 1 when there is any.
"""


def _flags(command: list[str]) -> list[str]:
    """What Python was given before `-m varscope`."""
    for index, (word, following) in enumerate(zip(command[1:], command[2:]), 1):
        # '-m', or '-um': the last of several letters; or '-mvarscope'.
        found = re.fullmatch(r"-(\w*?)m(varscope)?", word)
        if found and (found[2] or following == "varscope"):
            return command[1:index] + ([f"-{found[1]}"] if found[1] else [])
    return []


def _run(arguments: list[str]) -> NoReturn:
    if sys.flags.ignore_environment:
        sys.exit("varscope: `run` needs Python's environment variables: leave out -E and -I")
    folder = str(pathlib.Path(__file__).parent / "as_tensorflow")
    paths = [folder, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    os.execve(sys.executable, [sys.executable, *_flags(sys.orig_argv), *arguments], environment)


def main(arguments: list[str]) -> NoReturn:
    if arguments[:1] == ["run"] and len(arguments) > 1:
        _run(arguments[1:])
    if arguments[:1] == ["check"] and len(arguments) > 1:
        from varscope.checking.scripts import check
        try:
            sys.exit(1 if check(arguments[1:]) else 0)
        except OSError as error:
            sys.exit(f"varscope: {error}")
    if arguments in (["-h"], ["--help"]):
        print(_USAGE, end="")
        sys.exit(0)
    print(_USAGE, end="", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main(sys.argv[1:])
