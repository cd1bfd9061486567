"""What a script of `python -m varscope run` has otherwise than one that Python runs: tensorflow is
varscope.compat.v1, and what varscope lacks ends the script with one line."""

from __future__ import annotations

import difflib
import inspect
import linecache
import os
import pathlib
import re
import sys
from collections.abc import Iterable, Iterator
from types import FrameType, ModuleType, TracebackType
from typing import Any

from varscope import nonfinite
from varscope.compat import v1
from varscope.compat.v1._missing import missing_text, symbols

_PACKAGE = str(pathlib.Path(__file__).parent)


def become_tensorflow() -> None:
    """Makes `tensorflow`, and each module inside it, a name of varscope.compat.v1's modules."""
    for name, module in _modules("", v1):
        for prefix in ("tensorflow", "tensorflow.compat.v1"):
            sys.modules[prefix + name] = module
    if not os.environ.get("VARSCOPE_TARGET"):
        # The variables are the script's own: it sees what becomes of them, as in TensorFlow.
        nonfinite.allow()
    sys.excepthook = _report


def _modules(inside: str, module: ModuleType) -> Iterator[tuple[str, ModuleType]]:
    """A module with all those that are its attributes, by their paths: '.nn.rnn_cell'."""
    yield inside, module
    for name, value in vars(module).items():
        ours = isinstance(value, ModuleType) and value.__name__.startswith("varscope.")
        if ours and not name.startswith("_") and value is not v1:
            yield from _modules(f"{inside}.{name}", value)


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """One line for what varscope lacks, with the line of the script; else Python's traceback."""
    place = _place(trace)
    said = None if place is None else _said(error, place)
    if place is None or said is None:
        sys.__excepthook__(kind, error, trace)
    else:
        print(f"{place.frame.f_code.co_filename}:{place.line}: {said}", file=sys.stderr)


class _Place:
    """The innermost line that is none of varscope's or Python's own."""

    def __init__(self, trace: TracebackType) -> None:
        self.frame: FrameType = trace.tb_frame
        self.line = trace.tb_lineno
        self.innermost = trace.tb_next is None
        self._instruction = trace.tb_lasti // 2

    def calls_other_module(self) -> bool:
        """Whether the line calls a function of a module that is none of varscope's: np.reshape()."""
        line = linecache.getline(self.frame.f_code.co_filename, self.line)
        for index, place in enumerate(self.frame.f_code.co_positions()):
            if index == self._instruction and place[2] is not None:
                root = re.match(rb"(\w+)\.", line.encode()[place[2]:])
                found = root and self.frame.f_globals.get(root[1].decode())
                return isinstance(found, ModuleType) and not found.__name__.startswith("varscope")
        return False

    def rest_of_symbol(self) -> str:
        """What follows the expression that failed: '.layers.dense' of tf.contrib.layers.dense."""
        for index, place in enumerate(self.frame.f_code.co_positions()):
            if index == self._instruction and place[1] is not None and place[3] is not None:
                line = linecache.getline(self.frame.f_code.co_filename, place[1]).encode()
                found = re.match(rb"(\.\w+)*", line[place[3]:])
                return found[0].decode() if found else ""
        return ""


def _place(trace: TracebackType | None) -> _Place | None:
    found = None
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith((_PACKAGE, "<frozen ")):
            found = _Place(trace)
        trace = trace.tb_next
    return found


def _said(error: BaseException, place: _Place) -> str | None:
    """What to say of an error that says what varscope lacks; None for all others."""
    if isinstance(error, ImportError):
        symbol = _imported(error)
        return None if symbol is None else missing_text(symbol)
    if isinstance(error, AttributeError):
        return _attribute(error, place)
    if isinstance(error, TypeError) and place.innermost:
        return None if place.calls_other_module() else _argument(str(error))
    if isinstance(error, NotImplementedError) and not place.innermost:
        return str(error)
    return None


def _imported(error: ImportError) -> str | None:
    """The symbol that an import did not find, without 'tf.'."""
    found = re.match(r"cannot import name '(\w+)'", str(error))
    module = error.name or ""
    if found is not None and (module == v1.__name__ or module.startswith(v1.__name__ + ".")):
        return f"{module}.{found[1]}".removeprefix(v1.__name__ + ".")
    if found is None and module.startswith("tensorflow."):
        return module.removeprefix("tensorflow.").removeprefix("compat.v1.")
    return None


def _attribute(error: AttributeError, place: _Place) -> str | None:
    owner: Any = error.obj
    if isinstance(owner, ModuleType):
        inside = f"{owner.__name__}.".removeprefix(v1.__name__ + ".")
        ours = owner.__name__ == v1.__name__ or owner.__name__.startswith(v1.__name__ + ".")
        return missing_text(f"{inside}{error.name}{place.rest_of_symbol()}") if ours else None
    cls = owner if isinstance(owner, type) else type(owner)
    if cls.__module__.split(".")[0] != "varscope" or error.name is None:
        return None
    names = [name for name in dir(owner) if not name.startswith("_")]
    return _lacks(_name_of(cls), error.name, names)


def _lacks(owner: str, name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.0)
    return (f"varscope has no tf.{owner}.{name}" +
            (f"; the nearest that it has is tf.{owner}.{near[0]}" if near else ""))


def _name_of(cls: type) -> str:
    """The symbol of a class, 'train.AdamOptimizer'."""
    return _nearest([name for name, value in symbols() if value is cls]) or cls.__name__


def _nearest(names: list[str]) -> str | None:
    """The name of a symbol that scripts know best: the last of them are tf.contrib's."""
    return min(names, key=lambda name: (name.startswith("contrib."), name.count(".")), default=None)


def _argument(text: str) -> str | None:
    """For an argument that a function of varscope does not have."""
    found = re.match(r"([\w.]+)\(\) got an unexpected keyword argument '(\w+)'", text)
    if found is None:
        return None
    function = found[1].removesuffix(".__init__")
    # The extension's own functions say it in other words: this is another package's reshape().
    name = _nearest([name for name, value in symbols()
                     if getattr(value, "__qualname__", "") == function and (
                         inspect.isfunction(value) or isinstance(value, type))])
    return None if name is None else f"varscope has no argument '{found[2]}' of tf.{name}"
