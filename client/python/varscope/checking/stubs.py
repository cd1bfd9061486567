"""What the extension's stubs say of its functions and classes."""

from __future__ import annotations

import ast
import functools
import pathlib
from typing import Any

from varscope import _core


@functools.cache
def _trees() -> list[ast.Module]:
    folder = pathlib.Path(__file__).parents[1] / "_core"
    return [ast.parse((folder / name).read_text()) for name in ("__init__.pyi", "nn.pyi")]


@functools.cache
def functions() -> dict[str, ast.FunctionDef]:
    """Returns the extension's functions by name."""
    return {node.name: node for tree in _trees() for node in tree.body
            if isinstance(node, ast.FunctionDef)}


@functools.cache
def methods(class_name: str) -> dict[str, ast.FunctionDef]:
    """Returns the methods and properties of a class of the extension."""
    for node in _trees()[0].body:
        if isinstance(node, ast.ClassDef) and node.name == class_name:
            return {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
    return {}


def is_of_core(cls: Any) -> bool:
    """Returns whether a class is the extension's."""
    return getattr(cls, "__module__", "") == _core.__name__
