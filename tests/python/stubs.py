"""stubs.py [FOLDER]: writes the type stubs of varscope._core, which the package has in
varscope/_core, from the installed extension and from what the package adds to its classes."""

import functools
import inspect
import pathlib
import re
import sys
import types
import typing

from nanobind.stubgen import StubGen

import varscope.compat.v1  # noqa: F401 (adds to the classes)
from varscope import _core

FOLDER = pathlib.Path(__file__).parents[2] / "client" / "python" / "varscope" / "_core"
HEAD = "# Written by tests/python/stubs.py; tests/python/test_types.py says when that is due.\n"


def spelled(hint):
    """A type as a stub has it: generated ones would say types.UnionType[str, None]."""
    if isinstance(hint, types.UnionType):
        return " | ".join(map(spelled, typing.get_args(hint)))
    if hint is types.NoneType:
        return "None"
    if not isinstance(hint, type) or typing.get_args(hint):
        return hint
    return hint.__name__ if hint.__module__ == "builtins" else f"{hint.__module__}.{hint.__name__}"


def adopt(name, function):
    """Makes a function of the package's, which a class of the extension has, one of the class."""
    made = types.FunctionType(function.__code__, function.__globals__, name, function.__defaults__,
                              function.__closure__)
    made.__kwdefaults__ = function.__kwdefaults__
    made.__doc__ = function.__doc__
    made.__module__ = _core.__name__
    hints = typing.get_type_hints(function)
    made.__annotations__ = {name: spelled(hint) if isinstance(hint, types.UnionType) else hint
                            for name, hint in hints.items()}
    return made


def adopt_all(cls):
    for name, value in list(vars(cls).items()):
        if isinstance(value, types.FunctionType):
            setattr(cls, name, adopt(name, value))
        elif isinstance(value, property) and isinstance(value.fget, types.FunctionType):
            setattr(cls, name, property(adopt(name, value.fget), doc=value.__doc__))


def generate(module):
    generator = StubGen(module, include_docstrings=False)
    generator.put(module)
    text = generator.get()
    # What the extension returns as any object has no type that a checker could use.
    text = re.sub(r"-> object:", "-> typing.Any:", text)
    text = re.sub(r"-> list:", "-> list[typing.Any]:", text)
    if "typing.Any" in text and not re.search(r"^import typing$", text, re.M):
        text = "import typing\n" + text
    return HEAD + text


@functools.cache
def stubs():
    """The text of each file."""
    for _, cls in inspect.getmembers(_core, inspect.isclass):
        adopt_all(cls)
    return {"__init__.pyi": generate(_core), "nn.pyi": generate(_core.nn)}


def main(folder):
    folder.mkdir(exist_ok=True)
    for name, text in stubs().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
