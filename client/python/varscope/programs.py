"""The programs that the wheel brings: the server, and what asks a running one."""

from __future__ import annotations

import os
import pathlib
import sys
from typing import NoReturn


def path_of(program: str) -> str:
    """Returns the path of varscoped or varscopectl."""
    return str(pathlib.Path(__file__).parent / "bin" / program)


def _become(program: str) -> NoReturn:
    path = path_of(program)
    os.execv(path, [program, *sys.argv[1:]])


def varscoped() -> NoReturn:
    _become("varscoped")


def varscopectl() -> NoReturn:
    _become("varscopectl")
