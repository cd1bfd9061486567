"""A script with the modules of its own that it imports."""

from __future__ import annotations

import ast
import pathlib
from collections.abc import Iterator

from varscope.checking.checker import Checker, Finding


def findings_of(path: str) -> list[Finding]:
    """Returns what a script and the modules beside it need that varscope does not have.

    OSError when it cannot be read; SyntaxError when it is not Python 3.
    """
    found: list[Finding] = []
    for file in _files(pathlib.Path(path), set()):
        found += Checker(str(file), _parsed(file)).findings()
    return found


def _parsed(file: pathlib.Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8", errors="replace"), str(file))


def _files(file: pathlib.Path, seen: set[pathlib.Path]) -> Iterator[pathlib.Path]:
    if file in seen:
        return
    seen.add(file)
    yield file
    for node in ast.walk(_parsed(file)):
        for name in _imported(node):
            beside = file.parent / pathlib.Path(*name.split("."))
            for other in (beside.with_suffix(".py"), beside / "__init__.py"):
                if other.is_file():
                    yield from _files(other, seen)


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    if isinstance(node, ast.ImportFrom):
        return [alias.name for alias in node.names]
    return []


def check(paths: list[str]) -> int:
    """Prints what is missing, a line each, and returns how many scripts need something."""
    failed = 0
    for path in paths:
        try:
            lines = [f"{f.file}:{f.line}: {f.text}" for f in findings_of(path)]
        except SyntaxError as error:
            lines = [f"{error.filename}:{error.lineno}: this is not Python 3: {error.msg}"]
        print(*lines, sep="\n", end="\n" if lines else "")
        failed += bool(lines)
    return failed
