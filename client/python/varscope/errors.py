"""What runs, servers and files report; TensorFlow's tf.errors.

What is wrong in a program is Python's ValueError, TypeError, LookupError or RuntimeError.
"""

from __future__ import annotations

import linecache
import re
from typing import Any

__all__ = [
    "ABORTED", "ALREADY_EXISTS", "AbortedError", "AlreadyExistsError", "CANCELLED",
    "CancelledError", "DATA_LOSS", "DEADLINE_EXCEEDED", "DataLossError", "DeadlineExceededError",
    "FAILED_PRECONDITION", "FailedPreconditionError", "INTERNAL", "INVALID_ARGUMENT",
    "InternalError", "InvalidArgumentError", "NOT_FOUND", "NotFoundError", "OK", "OUT_OF_RANGE",
    "OpError", "OutOfRangeError", "PERMISSION_DENIED", "PermissionDeniedError",
    "RESOURCE_EXHAUSTED", "ResourceExhaustedError", "UNAUTHENTICATED", "UNAVAILABLE",
    "UNIMPLEMENTED", "UNKNOWN", "UnauthenticatedError", "UnavailableError", "UnimplementedError",
    "UnknownError", "error_code_from_exception_type", "exception_type_from_error_code"
]

OK = 0
CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
OUT_OF_RANGE = 11
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
DATA_LOSS = 15
UNAUTHENTICATED = 16


class OpError(Exception):
    """The base of all of them."""

    def __init__(self, node_def: Any, op: Any, message: str, error_code: int = UNKNOWN) -> None:
        super().__init__(node_def, op, message, error_code)
        self._node_def = node_def
        self._op = op
        self._message = message
        self._error_code = error_code

    @property
    def message(self) -> str:
        """What str() gives."""
        return self._message

    @property
    def op(self) -> Any:
        """None: the message names the op."""
        return self._op

    @property
    def node_def(self) -> Any:
        """None: varscope has no NodeDef."""
        return self._node_def

    @property
    def error_code(self) -> int:
        """One of this module's numbers, which are gRPC's."""
        return self._error_code

    def __str__(self) -> str:
        return self._message


class _Coded(OpError):
    code = UNKNOWN

    def __init__(self, node_def: Any, op: Any, message: str, *_: Any) -> None:
        super().__init__(node_def, op, message, self.code)


class CancelledError(_Coded):
    """The call was cancelled before it was done."""

    code = CANCELLED


class UnknownError(_Coded):
    """The cause has no code of its own."""

    code = UNKNOWN


class InvalidArgumentError(_Coded):
    """An op or the server refuses its input, whatever the state of the store is."""

    code = INVALID_ARGUMENT


class DeadlineExceededError(_Coded):
    """The time ran out; the message says what was awaited. What was asked may have been done."""

    code = DEADLINE_EXCEEDED


class NotFoundError(_Coded):
    """There is no such variable, file or snapshot."""

    code = NOT_FOUND


class AlreadyExistsError(_Coded):
    """What was to be created exists."""

    code = ALREADY_EXISTS


class PermissionDeniedError(_Coded):
    """The caller is known, but may not do this."""

    code = PERMISSION_DENIED


class ResourceExhaustedError(_Coded):
    """A limit of the server or of the machine is reached."""

    code = RESOURCE_EXHAUSTED


class FailedPreconditionError(_Coded):
    """The store is not in the state that the call needs: a variable has no value yet."""

    code = FAILED_PRECONDITION


class AbortedError(_Coded):
    """This worker's id connected elsewhere, or the store was rolled back; see the C++ client."""

    code = ABORTED


class OutOfRangeError(_Coded):
    """The input has ended."""

    code = OUT_OF_RANGE


class UnimplementedError(_Coded):
    """The server does not have this method or option."""

    code = UNIMPLEMENTED


class InternalError(_Coded):
    """The server or the client broke its own rules: a bug."""

    code = INTERNAL


class UnavailableError(_Coded):
    """No server answers until the time was over. What was asked may have been done."""

    code = UNAVAILABLE


class DataLossError(_Coded):
    """A file is damaged."""

    code = DATA_LOSS


class UnauthenticatedError(_Coded):
    """The server does not know who calls: it was restarted without its state, for example."""

    code = UNAUTHENTICATED


_CLASSES = {cls.code: cls for cls in _Coded.__subclasses__()}


def from_code(code: int, message: str) -> OpError:
    """Returns the error of a code."""
    return _CLASSES[code](None, None, message)


def exception_type_from_error_code(error_code: int) -> type[OpError]:
    """Returns the class of a code. KeyError for a number that is none."""
    return _CLASSES[error_code]


def error_code_from_exception_type(cls: type[OpError]) -> int:
    """Returns the code of a class."""
    return cls.code


_ORIGINALLY = "Originally defined by "
_PLACE = re.compile(r" at (?P<file>[^\n]+):(?P<line>\d+)$")


_ESCAPED = re.compile(r"(?:\\x[0-9a-f]{2})+")


def readable(text: str) -> str:
    """Returns a text of the server's with the letters that it has as bytes, '\\xc3\\xb6'."""
    def letters(found: re.Match[str]) -> str:
        try:
            decoded = bytes.fromhex(found[0].replace("\\x", "")).decode()
        except UnicodeDecodeError:
            return found[0]
        return decoded if decoded.isprintable() else found[0]
    return _ESCAPED.sub(letters, text)


def _with_source(line: str) -> list[str]:
    """A line of a detail; where it ends with a place that can be read here, as a traceback shows."""
    found = _PLACE.search(line)
    if found is None:
        return [line]
    text = linecache.getline(found["file"], int(found["line"])).strip()
    if not text:
        return [line]
    return [f"{line[:found.start()]}", f'  File "{found["file"]}", line {found["line"]}',
            f"    {text}"]


def text_of(message: str, detail: str) -> str:
    """Returns an error's text: the message, and who defined what collides, with the source lines."""
    message = readable(message)
    if not detail:
        return message
    lines = [shown for line in readable(detail).split("\n") for shown in _with_source(line)]
    if lines[0].startswith(_ORIGINALLY):
        # A graph that is not connected has no worker yet.
        who = lines[0][len(_ORIGINALLY):]
        lines[:1] = [] if who.startswith("worker ''") else ["by " + who]
        return message + " Originally defined at:\n\n" + "\n".join(lines)
    return message + "\n" + "\n".join(lines)
