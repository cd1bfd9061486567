"""Ops of strings, as far as scripts use them."""

from __future__ import annotations

import functools
import glob
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from varscope import _core
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
    """Returns the numbers of a tensor as text."""
    form = f"%{fill}{width if width > 0 else ''}"
    form += f".{precision if precision >= 0 else 6}"
    form += "g" if shortest else "e" if scientific else "f"

    def write(x: Any) -> bytes:
        if isinstance(x, (bool, np.bool_)):
            return b"true" if x else b"false"
        return (form % x if isinstance(x, (float, np.floating)) else str(x)).encode()

    return computed(name or "AsString", lambda x: _over(write, np.asarray(x)), [input],
                    dims_of(input))


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


def substr(input: Any, pos: int, len: int, name: str | None = None) -> StringTensor:
    """Returns so many bytes of each string, from a place on."""
    text = to_text(input)
    return computed(name or "Substr", each(lambda one: one[pos:pos + len]), [text], text._dims)


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
    from varscope import errors
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
