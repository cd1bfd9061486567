"""Ops of strings, as far as scripts use them."""

from __future__ import annotations

import functools
import glob
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from varscope import _core, errors
from varscope.strings.tensors import (StringTensor, computed, dims_of, each, outputs, to_text,
                                      Computed)

_float32 = _core.as_dtype("float32")
_int64 = _core.as_dtype("int64")


def string_join(inputs: Sequence[Any], separator: str = "", name: str | None = None) -> StringTensor:
    """Returns the strings of several tensors one after the other."""
    between = separator.encode()

    def join(*parts: Any) -> Any:
        arrays = np.broadcast_arrays(*[np.asarray(part, object) for part in parts])
        joined = functools.reduce(lambda left, right: left + between + right, arrays)
        return joined if isinstance(joined, bytes) else joined[()]

    dims = max((dims_of(x) or [] for x in inputs), key=len)
    return computed(name or "StringJoin", join, [to_text(x) for x in inputs], dims)


def as_string(input: Any, precision: int = -1, scientific: bool = False, shortest: bool = False,
              width: int = -1, fill: str = "", name: str | None = None) -> StringTensor:
    """Returns the numbers of a tensor as text, as C's printf writes them."""
    start = f"%{fill}{width if width > -1 else ''}"
    point = f".{precision}" if precision > -1 else ""
    of_floats = start + point + ("g" if shortest else "e" if scientific else "f")

    def wide(x: Any) -> bytes:
        text = x.encode() if isinstance(x, str) else x
        room = max(width, 0)
        return text.ljust(room) if fill == "-" else text.rjust(room)

    def write(x: Any) -> bytes:
        if isinstance(x, (bool, np.bool_)):
            return b"true" if x else b"false"
        if isinstance(x, (str, bytes)):
            return wide(x)
        if isinstance(x, (float, np.floating)):
            form = of_floats if np.isfinite(x) else of_floats.replace("%0", "%")
            return (form % float(x)).encode()
        return f"{start}d".encode() % int(x)

    def all_of(x: Any) -> Any:
        array = np.asarray(x, object) if isinstance(x, (bytes, str)) else np.asarray(x)
        _check_form(array.dtype.kind == "f", precision, scientific, shortest, fill)
        return _over(write, array)

    return computed(name or "AsString", all_of, [input], dims_of(input))


def _check_form(floats: bool, precision: int, scientific: bool, shortest: bool,
                fill: str) -> None:
    what = None
    if fill not in ("", " ", "+", "-", "0", "#"):
        what = f"Fill argument not supported: {fill!r}"
    elif not floats and (precision > -1 or scientific or shortest):
        what = "precision, scientific and shortest are for floating point numbers alone"
    elif scientific and shortest:
        what = "Cannot select both scientific and shortest notation"
    if what is not None:
        raise errors.InvalidArgumentError(None, None, what)


def _over(function: Any, array: np.ndarray) -> Any:
    found = np.empty(array.shape, object)
    for place, x in np.ndenumerate(array):
        found[place] = function(x)
    return found[()] if found.ndim == 0 else found


def string_to_number(string_tensor: Any, out_type: Any = _float32,
                     name: str | None = None) -> _core.Tensor:
    """Returns the numbers that strings say. A run raises InvalidArgumentError for other text."""
    from varscope.strings.decoding import number
    dtype = _core.as_dtype(out_type)
    text = to_text(string_tensor)
    read = each(lambda one: number(one, dtype), dtype.as_numpy_dtype)
    return computed(name or "StringToNumber", read, [text], text._dims, dtype)


def substr(input: Any, pos: Any, len: Any, name: str | None = None) -> StringTensor:
    """Returns so many bytes of each string, from a place on; all with a negative number of them.

    A place below 0 counts from the end. A run raises InvalidArgumentError for one outside.
    """
    text = to_text(input)
    return computed(name or "Substr", _parts, [text, pos, len], text._dims)


def _parts(text: Any, places: Any, counts: Any) -> Any:
    arrays = np.broadcast_arrays(np.asarray(text, object), places, counts)
    found = np.empty(arrays[0].shape, object)
    for at, one in np.ndenumerate(arrays[0]):
        place, count = int(arrays[1][at]), int(arrays[2][at])
        if not -len(one) <= place <= len(one):
            raise errors.InvalidArgumentError(None, None, f"pos {place} out of range for string "
                                              f"{one!r}")
        place += len(one) if place < 0 else 0
        found[at] = one[place:] if count < 0 else one[place:place + count]
    return found[()] if found.ndim == 0 else found


def string_strip(input: Any, name: str | None = None) -> StringTensor:
    """Returns the strings without white space at their ends."""
    text = to_text(input)
    return computed(name or "StringStrip", each(bytes.strip), [text], text._dims)


def string_length(input: Any, name: str | None = None) -> _core.Tensor:
    """Returns how many bytes each string has."""
    text = to_text(input)
    return computed(name or "StringLength", each(len, np.int32), [text], text._dims,
                    _core.as_dtype("int32"))


def string_to_hash_bucket_strong(input: Any, num_buckets: int, key: Any = (0, 0),
                                 name: str | None = None) -> _core.Tensor:
    """Returns a number below num_buckets of each string, the same in each run; varscope's own."""
    text = to_text(input)
    salt = repr(list(key)).encode()

    def bucket(one: bytes) -> int:
        return int.from_bytes(hashlib.sha256(salt + one).digest()[:8], "little") % num_buckets

    return computed(name or "StringToHashBucketStrong", each(bucket, np.int64), [text], text._dims,
                    _int64)


def read_file(filename: Any, name: str | None = None) -> StringTensor:
    """Returns what a file has."""
    return computed(name or "ReadFile", read_whole, [to_text(filename)], [])


def read_whole(path: Any) -> bytes:
    """Returns what a file has. NotFoundError when it is not there."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError as error:
        raise errors.NotFoundError(None, None, f"{error.filename!r}; No such file or directory"
                                   ) from None


def matching_files(pattern: Any, name: str | None = None) -> StringTensor:
    """Returns the files that match a pattern, or several, in order."""
    return computed(name or "MatchingFiles", matching, [to_text(pattern)], [-1])


def matching(patterns: Any) -> np.ndarray:
    """Returns the names of the files that match, in order."""
    paths = [path for pattern in np.ravel(np.asarray(patterns, object))
             for path in glob.glob(pattern)]
    found = np.empty(len(paths), object)
    found[:] = sorted(paths)
    return found


def match_filenames_once(pattern: Any, name: str | None = None) -> StringTensor:
    """Returns the files that match a pattern when a run first asks."""
    known: list[Any] = []

    def once(patterns: Any) -> list[Any]:
        if not known:
            known.append(matching(patterns))
        return known

    source = Computed(once, [to_text(pattern)])
    return outputs(source, [("string", [-1])], name or "matching_filenames")[0]
