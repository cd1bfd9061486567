"""What varscopectl does with a server: it lists its variables, and has it write snapshots."""

from __future__ import annotations

import os
import subprocess
from typing import NamedTuple

from varscope import errors
from varscope.errors import readable
from varscope.programs import path_of

_NO_ANSWER = 3  # varscopectl's exit code


class ListedVariable(NamedTuple):
    """A variable of the store, or an optimizer's slot, as Store.list() has it."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    version: int
    created_by: str


def snapshot(target: str, name: str | None) -> str:
    """Returns the path of a snapshot that the server has written. Errors as Store.snapshot()'s."""
    if name is not None and (not isinstance(name, str) or name.startswith("-")):
        raise ValueError(f"{name!r} is no name of a snapshot")
    return _run(target, "snapshot", name).strip()


def variables(target: str) -> list[ListedVariable]:
    """Returns all variables of a server. Errors as Store.list()'s."""
    lines = _run(target, "list").splitlines()
    if not lines or not lines[0].startswith("NAME"):
        return []
    return [_listed(lines[0], line) for line in lines[1:-1]]


def _run(target: str, *arguments: str | None) -> str:
    done = subprocess.run(
        [path_of("varscopectl"), "--target", target, *filter(None, arguments)],
        capture_output=True, text=True, check=False,
        env={key: value for key, value in os.environ.items() if not key.startswith("VARSCOPE_")})
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.strip()
    if done.returncode != _NO_ANSWER:
        raise RuntimeError(said)
    if "no answer" in said:  # it was awaited, until the time was over
        raise errors.DeadlineExceededError(None, None, said)
    raise errors.UnavailableError(None, None, said)


def _listed(head: str, line: str) -> ListedVariable:
    """A line of `varscopectl list`, whose columns begin where those of its head do."""
    columns = [head.index(title) for title in ("NAME", "SHAPE", "DTYPE", "VERSION", "CREATED BY")]
    ends = [*columns[1:], len(line)]
    name, shape, dtype, version, creator = (
        line[start:end].strip() for start, end in zip(columns, ends))
    dims = tuple(int(n) for n in shape.strip("()").split(",") if n.strip())
    return ListedVariable(name, dims, dtype, int(version), readable(creator))
