"""Texts in parts, without parts, and with others in their places."""

from __future__ import annotations

import base64
import re
from typing import Any

import numpy as np

from varscope import _core
from varscope.sparse import SparseTensor
from varscope.strings.fingerprints import fingerprint
from varscope.strings.tensors import (Computed, StringTensor, bytes_of, computed, dims_of, each,
                                      outputs, string, to_text)

_INT64 = _core.as_dtype("int64")


def _sparse(rows: list[list[bytes]]) -> list[Any]:
    places = [(row, place) for row, parts in enumerate(rows) for place in range(len(parts))]
    values = np.empty(len(places), object)
    values[:] = [part for parts in rows for part in parts]
    shape = [len(rows), max([len(parts) for parts in rows], default=0)]
    return [np.asarray(places, np.int64).reshape(-1, 2), values, np.asarray(shape, np.int64)]


def string_split(source: Any = None, sep: str | None = None, skip_empty: bool = True,
                 delimiter: str | None = None, result_type: str = "SparseTensor",
                 input: Any = None, name: str | None = None) -> SparseTensor:
    """Returns the parts of texts between delimiters, each byte of which is one; an empty delimiter
    makes each byte a part."""
    if result_type != "SparseTensor":
        raise NotImplementedError("string_split: varscope has the result type 'SparseTensor' alone")
    between = delimiter if sep is None else sep
    between = b" " if between is None else between.encode()

    def parts_of(text: bytes) -> list[bytes]:
        if not between:
            return [text[i:i + 1] for i in range(len(text))]
        parts = re.split(b"[" + re.escape(between) + b"]", text)
        return [part for part in parts if part or not skip_empty]

    made = outputs(Computed(lambda texts: _sparse([parts_of(text) for text in texts]),
                            [to_text(source if input is None else input)]),
                   [(_INT64, [-1, 2]), (string, [-1]), (_INT64, [2])], name or "StringSplit")
    return SparseTensor(*made)


def strings_split(input: Any = None, sep: str | None = None, maxsplit: int = -1,
                  result_type: str = "SparseTensor", source: Any = None,
                  name: str | None = None) -> SparseTensor:
    """Returns the parts of texts between separators, as Python's str.split."""
    if result_type != "SparseTensor":
        raise NotImplementedError("strings.split: varscope has the result type 'SparseTensor' alone")
    between = sep.encode() if sep else None
    made = outputs(Computed(lambda texts: _sparse([x.split(between, maxsplit) for x in texts]),
                            [to_text(source if input is None else input)]),
                   [(_INT64, [-1, 2]), (string, [-1]), (_INT64, [2])], name or "StringSplit")
    return SparseTensor(*made)


def _buckets(input: Any, num_buckets: int, name: str) -> _core.Tensor:
    if num_buckets < 1:
        raise ValueError("num_buckets must be at least 1")
    return computed(name, each(lambda text: fingerprint(text) % num_buckets, np.int64),
                    [to_text(input)], dims_of(input), _INT64)


def string_to_hash_bucket_fast(input: Any, num_buckets: int,
                               name: str | None = None) -> _core.Tensor:
    """Returns a number below num_buckets for each text, always the same."""
    return _buckets(input, num_buckets, name or "StringToHashBucketFast")


def string_to_hash_bucket(string_tensor: Any = None, num_buckets: int = 0, name: str | None = None,
                          input: Any = None) -> _core.Tensor:
    """The same."""
    return _buckets(string_tensor if input is None else input, num_buckets,
                    name or "StringToHashBucket")


def regex_replace(input: Any, pattern: Any, rewrite: Any, replace_global: bool = True,
                  name: str | None = None) -> StringTensor:
    """Returns the texts with what fits a pattern replaced, in which \\1 is its first group."""
    compiled = re.compile(bytes_of(pattern))
    new = bytes_of(rewrite).replace(b"\\0", b"\\g<0>")
    return computed(name or "RegexReplace",
                    each(lambda text: compiled.sub(new, text, 0 if replace_global else 1)),
                    [to_text(input)], dims_of(input))


def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> _core.Tensor:
    """Returns whether the whole of each text fits a pattern."""
    compiled = re.compile(bytes_of(pattern))
    return computed(name or "RegexFullMatch",
                    each(lambda text: compiled.fullmatch(text) is not None, bool),
                    [to_text(input)], dims_of(input), _core.as_dtype("bool"))




def string_lower(input: Any, encoding: str = "", name: str | None = None) -> StringTensor:
    """Returns the texts in small letters."""
    return _in_letters(input, encoding, name or "StringLower", "lower")


def string_upper(input: Any, encoding: str = "", name: str | None = None) -> StringTensor:
    """Returns the texts in capitals."""
    return _in_letters(input, encoding, name or "StringUpper", "upper")


def _in_letters(input: Any, encoding: str, name: str, how: str) -> StringTensor:
    def change(text: bytes) -> bytes:
        if not encoding:
            return getattr(text, how)()
        return getattr(text.decode(encoding), how)().encode(encoding)

    return computed(name, each(change), [to_text(input)], dims_of(input))


def encode_base64(input: Any, pad: bool = False, name: str | None = None) -> StringTensor:
    """Returns the texts in base64 for addresses."""
    def encode(text: bytes) -> bytes:
        made = base64.urlsafe_b64encode(text)
        return made if pad else made.rstrip(b"=")

    return computed(name or "EncodeBase64", each(encode), [to_text(input)], dims_of(input))


def decode_base64(input: Any, name: str | None = None) -> StringTensor:
    """Returns the texts that are in base64."""
    return computed(name or "DecodeBase64",
                    each(lambda text: base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))),
                    [to_text(input)], dims_of(input))


def reduce_join(inputs: Any, axis: Any = None, keep_dims: bool | None = None, separator: str = "",
                name: str | None = None, reduction_indices: Any = None,
                keepdims: bool | None = None) -> StringTensor:
    """Returns the texts along an axis, or all of them, joined."""
    along = reduction_indices if axis is None else axis
    keep = bool(keepdims or keep_dims)
    axes = None if along is None else [along] if isinstance(along, int) else list(along)

    def join(texts: Any) -> Any:
        made = np.asarray(texts, object)
        order = range(made.ndim)[::-1] if axes is None else [n % made.ndim for n in axes]
        for place in order:
            rows = np.moveaxis(made, place, -1)
            joined = np.empty(rows.shape[:-1], object)
            for at in np.ndindex(joined.shape):
                joined[at] = separator.encode().join(rows[at])
            made = np.expand_dims(joined, place)
        gone = tuple(range(made.ndim)) if axes is None else tuple(n % made.ndim for n in axes)
        return made if keep else made.squeeze(gone)[()]

    return computed(name or "ReduceJoin", join, [to_text(inputs)])
