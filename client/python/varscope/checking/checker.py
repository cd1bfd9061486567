"""Reads a script and finds what it needs that varscope does not have: symbols, arguments, methods.

The kinds of values are inferred without the order of statements: what any assignment of a name says
holds everywhere in the file. What is not known is not complained of.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

from varscope import _core
from varscope.checking import results, signatures, symbols

_SYMBOLIC = (_core.Tensor, _core.Variable)


class Finding(NamedTuple):
    """Something that is missing."""

    file: str
    line: int
    text: str
    # What is missing, for those who count: 'nn.rellu', 'nn.relu(argument)', 'Tensor.method'.
    what: str


class Checker:
    """One file."""

    def __init__(self, file: str, tree: ast.Module) -> None:
        self._file = file
        self._tree = tree
        self._symbols: dict[str, str] = {}  # names that stand for symbols
        self._kinds: dict[str, Any] = {}  # names, and '.attribute' of any object
        self._returns: dict[str, Any] = {}
        self._findings: dict[tuple[int, str], Finding] = {}
        self._guarded: set[ast.AST] = set()
        self._parameters: set[ast.AST] = set()  # names inside functions whose parameters they are
        self._own = {node.name for node in ast.walk(tree)
                     if isinstance(node, (ast.FunctionDef, ast.ClassDef))}

    def findings(self) -> list[Finding]:
        """Returns what is missing, by lines."""
        for node in ast.walk(self._tree):
            self._import(node)
            self._guard(node)
            self._shadow(node)
        for _ in range(3):
            for node in ast.walk(self._tree):
                self._learn(node)
        for node in ast.walk(self._tree):
            self._check(node)
        return [self._findings[key] for key in sorted(self._findings)]

    # What names stand for.

    def _import(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                inside = _inside(alias.name)
                if inside is None:
                    continue
                if alias.asname:
                    self._symbols[alias.asname] = inside
                else:
                    self._symbols["tensorflow"] = ""
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            inside = _inside(node.module)
            if inside is not None:
                for alias in node.names:
                    path = f"{inside}.{alias.name}".lstrip(".")
                    self._symbols[alias.asname or alias.name] = path

    def _guard(self, node: ast.AST) -> None:
        """What a script does without when it is missing."""
        if isinstance(node, ast.Try) and any(_catches_missing(h) for h in node.handlers):
            for part in [*node.body, *node.handlers]:
                self._guarded.update(ast.walk(part))
        if isinstance(node, (ast.If, ast.IfExp)) and _asks_for_attribute(node.test):
            for part in node.body if isinstance(node.body, list) else [node.body]:
                self._guarded.update(ast.walk(part))

    def _shadow(self, node: ast.AST) -> None:
        """A function's parameter is none of the file's values that have its name."""
        if not isinstance(node, (ast.FunctionDef, ast.Lambda)):
            return
        taken = node.args
        names = {one.arg for one in [*taken.posonlyargs, *taken.args, *taken.kwonlyargs]}
        body = node.body if isinstance(node.body, list) else [node.body]
        self._parameters.update(
            inner for part in body for inner in ast.walk(part)
            if isinstance(inner, ast.Name) and inner.id in names)

    def _path(self, node: ast.AST) -> str | None:
        """The symbol that an expression is: 'nn.relu' of tf.nn.relu."""
        if isinstance(node, ast.Name):
            return self._symbols.get(node.id)
        if isinstance(node, ast.Attribute):
            outer = self._path(node.value)
            return None if outer is None else f"{outer}.{node.attr}".lstrip(".")
        return None

    def _learn(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._assign(target, node.value)
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign)) and node.value is not None:
            self._assign(node.target, node.value)
        elif isinstance(node, (ast.For, ast.comprehension)):
            for name in ast.walk(node.target):
                if isinstance(name, ast.Name):
                    self._merge(name.id, None)
        elif isinstance(node, ast.With):
            for item in node.items:
                if item.optional_vars is not None:
                    self._bind(item.optional_vars, self._entered(item.context_expr))
        elif isinstance(node, ast.FunctionDef):
            kinds = [self._kind(part.value) for part in ast.walk(node)
                     if isinstance(part, ast.Return) and part.value is not None]
            known = [kind for kind in kinds if kind is not None]
            if known:
                self._returns[node.name] = known[0]

    def _assign(self, target: ast.AST, value: ast.AST) -> None:
        path = self._path(value)
        if path is not None and isinstance(target, ast.Name) and _is_module_or_callable(path):
            self._symbols.setdefault(target.id, path)
            return
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(
                target.elts) == len(value.elts):
            for one, part in zip(target.elts, value.elts):
                self._assign(one, part)
            return
        self._bind(target, self._kind(value))

    def _bind(self, target: ast.AST, kind: Any) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            fits = isinstance(kind, tuple) and len(kind) == len(target.elts)
            for one, part in zip(target.elts, kind if fits else [None] * len(target.elts)):
                self._bind(one, part)
        elif isinstance(target, ast.Name) and target not in self._parameters:
            self._merge(target.id, kind)
        elif isinstance(target, ast.Attribute):
            self._merge("." + target.attr, kind)

    def _merge(self, name: str, kind: Any) -> None:
        """A name that has several kinds has none that is known."""
        if name in self._kinds and self._kinds[name] != kind:
            both = {self._kinds[name], kind} if isinstance(kind, type) else set()
            kind = _core.Tensor if both and both <= {*_SYMBOLIC, None} - {None} else None
        self._kinds[name] = kind

    # What expressions are.

    def _kind(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Name):
            return None if node in self._parameters else self._kinds.get(node.id)
        if isinstance(node, ast.Call):
            return self._called(node)
        if isinstance(node, ast.Attribute):
            return self._attribute(node)
        if isinstance(node, ast.Tuple):
            return tuple(self._kind(part) for part in node.elts)
        if isinstance(node, ast.BinOp):
            symbolic = self._kind(node.left) in _SYMBOLIC or self._kind(node.right) in _SYMBOLIC
            return _core.Tensor if symbolic else None
        if isinstance(node, ast.UnaryOp):
            return _core.Tensor if self._kind(node.operand) in _SYMBOLIC else None
        if isinstance(node, ast.Compare):
            ordered = not isinstance(node.ops[0], (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is,
                                                   ast.IsNot))
            return _core.Tensor if ordered and self._kind(node.left) in _SYMBOLIC else None
        if isinstance(node, ast.Subscript):
            return self._part(node)
        return None

    def _part(self, node: ast.Subscript) -> Any:
        whole = self._kind(node.value)
        if whole in _SYMBOLIC:
            return _core.Tensor
        number = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if isinstance(whole, tuple) and isinstance(number, int) and -len(
                whole) <= number < len(whole):
            return whole[number]
        return None

    def _called(self, node: ast.Call) -> Any:
        path = self._path(node.func)
        if path is not None:
            value = symbols.value_of(path)
            return None if value in (symbols.MISSING, None) else results.of(value)
        if isinstance(node.func, ast.Name):
            return self._returns.get(node.func.id)
        if isinstance(node.func, ast.Attribute):
            owner = self._kind(node.func.value)
            if isinstance(owner, type):
                return results.of_method(owner, node.func.attr)
            return self._returns.get(node.func.attr)
        return None

    def _attribute(self, node: ast.Attribute) -> Any:
        path = self._path(node)
        if path is not None:
            value = symbols.value_of(path)
            return type(value) if type(value).__module__.startswith("varscope") else None
        owner = self._kind(node.value)
        if isinstance(owner, type):
            return results.of_attribute(owner, node.attr)
        return self._kinds.get("." + node.attr) if isinstance(node.value, ast.Name) else None

    def _entered(self, node: ast.AST) -> Any:
        """The kind of what `with` gives."""
        kind = self._kind(node)
        if not isinstance(kind, type):
            return None
        entered = results.of_method(kind, "__enter__")
        return kind if entered is None and hasattr(kind, "run") else entered

    # What is missing.

    def _check(self, node: ast.AST) -> None:
        if node in self._guarded:
            return
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self._check_import(node)
        elif isinstance(node, ast.Attribute):
            self._check_attribute(node)
        elif isinstance(node, ast.Call):
            self._check_call(node)

    def _check_import(self, node: ast.Import | ast.ImportFrom) -> None:
        module = "" if isinstance(node, ast.Import) else node.module or ""
        if isinstance(node, ast.ImportFrom) and (node.level or _inside(module) is None):
            return
        for alias in node.names:
            inside = _inside(f"{module}.{alias.name}".lstrip("."))
            if inside and alias.name != "*" and symbols.value_of(inside) is symbols.MISSING:
                self._add(node, symbols.missing(inside), inside)

    def _check_attribute(self, node: ast.Attribute) -> None:
        path = self._path(node)
        if path is not None:
            outer = self._path(node.value)
            if symbols.value_of(path) is symbols.MISSING and symbols.value_of(
                    outer) is not symbols.MISSING:
                full = self._whole(node, path)
                self._add(node, symbols.missing(full), full)
            return
        owner = self._kind(node.value)
        # A name that is now a tensor and now a variable has what either has.
        if owner is _core.Tensor and _has(_core.Variable, node.attr):
            return
        if isinstance(owner, type) and not _has(owner, node.attr):
            name = _name_of(owner)
            self._add(node, f"varscope has no tf.{name}.{node.attr}", f"{name}.{node.attr}")

    def _whole(self, node: ast.Attribute, path: str) -> str:
        """The longest chain that begins with a missing symbol: 'contrib.x.y' of tf.contrib.x."""
        for outer in ast.walk(self._tree):
            if isinstance(outer, ast.Attribute) and outer.value is node:
                return self._whole(outer, f"{path}.{outer.attr}")
        return path

    def _check_call(self, node: ast.Call) -> None:
        path = self._path(node.func)
        if path is not None:
            value = symbols.value_of(path)
            if value is symbols.MISSING or not callable(value):
                return
            self._check_arguments(node, signatures.of(value), symbols.normal(path))
        elif isinstance(node.func, ast.Attribute):
            owner = self._kind(node.func.value)
            if isinstance(owner, type) and _has(owner, node.func.attr):
                self._check_arguments(node, signatures.method_of(owner, node.func.attr),
                                      f"{_name_of(owner)}.{node.func.attr}")

    def _check_arguments(self, node: ast.Call, known: signatures.Arguments | None,
                         name: str) -> None:
        if known is None:
            return
        for keyword in node.keywords:
            if keyword.arg and not known.any_name and keyword.arg not in known.names:
                self._add(node, f"varscope has no argument '{keyword.arg}' of tf.{name}",
                          f"{name}({keyword.arg})")
        starred = any(isinstance(arg, ast.Starred) for arg in node.args)
        if not starred and known.places is not None and len(node.args) > known.places:
            self._add(node, f"tf.{name} takes {known.places} arguments by their places, not "
                      f"{len(node.args)}", f"{name}(#{len(node.args)})")

    def _add(self, node: Any, text: str, what: str) -> None:
        self._findings.setdefault((node.lineno, what),
                                  Finding(self._file, node.lineno, text, what))


def _inside(module: str) -> str | None:
    """A module of tensorflow's, as a symbol."""
    if module.split(".")[0] != "tensorflow":
        return None
    return symbols.normal(module.removeprefix("tensorflow").removeprefix("."))


def _asks_for_attribute(test: ast.AST) -> bool:
    """Whether a condition has hasattr(...): what follows is run only where there is the attribute."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return any(map(_asks_for_attribute, test.values))
    return (isinstance(test, ast.Call) and isinstance(test.func, ast.Name)
            and test.func.id == "hasattr")


def _catches_missing(handler: ast.ExceptHandler) -> bool:
    caught = handler.type
    names = [caught] if not isinstance(caught, ast.Tuple) else caught.elts
    return caught is None or any(isinstance(name, ast.Name) and name.id in (
        "ImportError", "AttributeError", "Exception", "ModuleNotFoundError") for name in names)


def _is_module_or_callable(path: str) -> bool:
    value = symbols.value_of(path)
    return isinstance(value, ModuleType) or inspect.isroutine(value) or isinstance(
        value, type) or type(value).__name__.startswith("nb_func") or value is symbols.MISSING


def _has(cls: type, name: str) -> bool:
    if hasattr(cls, name) or inspect.getattr_static(cls, "__getattr__", None) is not None:
        return True
    if name.startswith("_") or name in _instance_attributes(cls):
        return True
    return issubclass(cls, BaseException)


def _instance_attributes(cls: type) -> Iterator[str]:
    """Attributes that constructors set."""
    for base in cls.__mro__:
        names = getattr(getattr(base, "__init__", None), "__code__", None)
        if names is not None:
            yield from names.co_names


def _name_of(cls: type) -> str:
    return {"BaseSession": "Session", "IteratorOfDataset": "data.Iterator",
            "Dataset": "data.Dataset"}.get(cls.__name__, cls.__name__)
