"""Flags of a program's command line, as TensorFlow 1 declares and reads them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any


class FlagError(Exception):
    """A flag that is not declared, or a value that it cannot have."""


class Flag:
    """One declared flag."""

    def __init__(self, name: str, default: Any, help: str | None,
                 parse: Callable[[str], Any]) -> None:
        self.name = name
        self.default = default
        self.help = help or ""
        self.parse = parse
        self.boolean = parse is _boolean
        self.value = default

    def __str__(self) -> str:
        return str(self.value)

    def __format__(self, form: str) -> str:
        return format(self.value, form)


class FlagValues:
    """The values of all flags, as attributes. The first use of one reads the command line.

    An attribute may be set. AttributeError for a flag that is not declared.
    """

    def __init__(self) -> None:
        object.__setattr__(self, "_declared", {})
        object.__setattr__(self, "_parsed", False)

    def _declare(self, flag: Flag) -> None:
        self._declared[flag.name] = flag

    def __call__(self, argv: Sequence[str], known_only: bool = False) -> list[str]:
        """Reads a command line, whose first word is the program, and returns what is no flag.

        FlagError for an unknown flag, unless known_only keeps those in the result.
        """
        rest = _read(self._declared, list(argv[1:]), known_only)
        object.__setattr__(self, "_parsed", True)
        return [*argv[:1], *rest]

    def _parse_flags(self, args: Sequence[str] | None = None) -> None:
        self(sys.argv if args is None else ["", *args], known_only=True)

    def is_parsed(self) -> bool:
        return self._parsed

    def mark_as_parsed(self) -> None:
        object.__setattr__(self, "_parsed", True)

    def flag_values_dict(self) -> dict[str, Any]:
        """Returns the values by name."""
        return {name: getattr(self, name) for name in self._declared}

    def __getattr__(self, name: str) -> Any:
        if name == "__flags":  # what scripts print
            return dict(self._declared)
        if name.startswith("__") or name not in self._declared:
            raise AttributeError(name)
        if not self._parsed:
            self._parse_flags()
        return self._declared[name].value

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._declared:
            raise AttributeError(f"no flag '{name}' is declared")
        if not self._parsed:
            self._parse_flags()
        self._declared[name].value = value

    def __getitem__(self, name: str) -> Flag:
        return self._declared[name]

    def __contains__(self, name: str) -> bool:
        return name in self._declared

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __dir__(self) -> list[str]:
        return list(self._declared)


FLAGS = FlagValues()


def _boolean(text: str) -> bool:
    if text.lower() in ("true", "t", "1", "yes", "y"):
        return True
    if text.lower() in ("false", "f", "0", "no", "n"):
        return False
    raise ValueError(f"'{text}' is neither true nor false")


def _read(declared: dict[str, Flag], words: list[str], known_only: bool) -> list[str]:
    rest = []
    while words:
        word = words.pop(0)
        if word == "--":
            return rest + words
        name, equals, text = word.lstrip("-").partition("=")
        flag = declared.get(name) if word.startswith("-") and word != "-" else None
        negated = declared.get(name.removeprefix("no")) if flag is None else None
        if negated is not None and name.startswith("no") and negated.boolean and not equals:
            negated.value = False
        elif flag is None:
            if word.startswith("--") and not known_only:
                raise FlagError(f"Unknown command line flag '{name}'")
            rest.append(word)
        elif equals:
            _set(flag, text)
        elif flag.boolean:
            flag.value = True
        elif words:
            _set(flag, words.pop(0))
        else:
            raise FlagError(f"Missing value for flag --{name}")
    return rest


def _set(flag: Flag, text: str) -> None:
    try:
        flag.value = flag.parse(text)
    except ValueError as error:
        raise FlagError(f"flag --{flag.name}={text}: {error}") from None


def _declare(parse: Callable[[str], Any], name: Any, default: Any, help: Any, flag_name: Any,
             default_value: Any, docstring: Any) -> None:
    """Declares a flag, of whose arguments each has two names: TensorFlow's first ones, too."""
    FLAGS._declare(Flag(flag_name if name is None else name,
                        default_value if default is None else default,
                        docstring if help is None else help, parse))


def DEFINE_string(name: Any = None, default: str | None = None, help: str | None = None,
                  flag_name: Any = None, default_value: Any = None,
                  docstring: str | None = None, required: bool = False) -> None:
    """Declares a flag that is text."""
    _declare(str, name, default, help, flag_name, default_value, docstring)


def _bounded(parse: Callable[[str], Any], lower: Any, upper: Any) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        value = parse(text)
        if (lower is not None and value < lower) or (upper is not None and value > upper):
            raise ValueError(f"it is not from {lower} to {upper}")
        return value

    return read


def DEFINE_integer(name: Any = None, default: int | None = None, help: str | None = None,
                   lower_bound: int | None = None, upper_bound: int | None = None,
                   flag_name: Any = None, default_value: Any = None,
                   docstring: str | None = None, required: bool = False) -> None:
    """Declares a flag that is a whole number."""
    _declare(_bounded(int, lower_bound, upper_bound), name, default, help, flag_name, default_value,
             docstring)


def DEFINE_float(name: Any = None, default: float | None = None, help: str | None = None,
                 lower_bound: float | None = None, upper_bound: float | None = None,
                 flag_name: Any = None, default_value: Any = None, docstring: str | None = None,
                 required: bool = False) -> None:
    """Declares a flag that is a number."""
    _declare(_bounded(float, lower_bound, upper_bound), name, default, help, flag_name,
             default_value, docstring)


def DEFINE_boolean(name: Any = None, default: bool | None = None, help: str | None = None,
                   flag_name: Any = None, default_value: Any = None,
                   docstring: str | None = None, required: bool = False) -> None:
    """Declares a flag that is true with --name, and false with --noname."""
    _declare(_boolean, name, default, help, flag_name, default_value, docstring)


def DEFINE_list(name: Any = None, default: Any = None, help: str | None = None,
                flag_name: Any = None, default_value: Any = None,
                docstring: str | None = None, required: bool = False) -> None:
    """Declares a flag that is a list of words with commas between them."""
    given = default_value if default is None else default
    _declare(_words, name, _words(given) if isinstance(given, str) else given, help, flag_name,
             None, docstring)


def _words(text: str) -> list[str]:
    return text.split(",") if text else []


def DEFINE_enum(name: Any = None, default: str | None = None, enum_values: Sequence[str] = (),
                help: str | None = None, flag_name: Any = None, default_value: Any = None,
                docstring: str | None = None, required: bool = False) -> None:
    """Declares a flag that is one of these words."""

    def parse(text: str) -> str:
        if text not in enum_values:
            raise ValueError(f"it is one of {', '.join(enum_values)}")
        return text

    _declare(parse, name, default, help, flag_name, default_value, docstring)


DEFINE_bool = DEFINE_boolean


def mark_flag_as_required(flag_name: str) -> None:
    """Does nothing: a program sees None."""
