"""Reads TensorFlow's checkpoints without a session: a sorted table of entries, and files of bytes."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from varscope import errors
from varscope.saver import latest_checkpoint
from varscope.summaries import wire

_FOOTER = 48
_MAGIC = 0xDB4775248B80FB57
# TensorFlow's numbers of dtypes.
_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 10: "?",
           17: "<u2", 19: "<f2", 22: "<u4", 23: "<u8"}


class _Entry(NamedTuple):
    dtype: np.dtype
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    slices: list[tuple[slice, ...]] = []  # where its parts belong, in the order of their keys


class CheckpointReader:
    """The variables of one checkpoint, by their names there."""

    def __init__(self, filepattern: str | os.PathLike[str]) -> None:
        self._prefix = os.fspath(filepattern)
        self._shards = 1
        self._entries: dict[str, _Entry] = {}
        self._parts: dict[str, list[_Entry]] = {}  # of a partitioned variable
        try:
            with open(self._prefix + ".index", "rb") as file:
                self._read(file.read())
        except FileNotFoundError:
            raise errors.NotFoundError(None, None, "Unsuccessful TensorSliceReader constructor: "
                                       f"Failed to find any matching files for {self._prefix}"
                                       ) from None

    def _read(self, table: bytes) -> None:
        if len(table) < _FOOTER or struct.unpack("<Q", table[-8:])[0] != _MAGIC:
            raise errors.DataLossError(None, None, f"{self._prefix}.index is no table")
        _, at = _handle(table, len(table) - _FOOTER)
        (offset, size), _ = _handle(table, at)
        for _, value in _block(table, offset, size):
            (start, length), _ = _handle(value, 0)
            for key, entry in _block(table, start, length):
                self._add(key, list(wire.fields(entry)))

    def _add(self, key: bytes, given: list[tuple[int, Any]]) -> None:
        fields = dict(given)
        if key == b"":
            self._shards = fields.get(1, 1)
            return
        dtype = _DTYPES.get(fields.get(1, 0))
        if dtype is None:  # such as strings
            return
        dims = [dict(wire.fields(dim)).get(1, 0) for field, dim in wire.fields(fields.get(2, b""))
                if field == 2]
        slices = [_extents(value) for field, value in given if field == 7]
        entry = _Entry(np.dtype(dtype), tuple(dims), fields.get(3, 0), fields.get(4, 0),
                       fields.get(5, 0), sorted(slices, key=_starts))
        if key.startswith(b"\0"):
            self._parts.setdefault(_name_of_part(key), []).append(entry)
        else:
            self._entries[key.decode()] = entry

    def has_tensor(self, tensor_str: str) -> bool:
        """Returns whether there is a variable of this name."""
        return tensor_str in self._entries

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """Returns the shapes of all variables."""
        return {name: list(entry.shape) for name, entry in self._entries.items()}

    def get_variable_to_dtype_map(self) -> dict[str, Any]:
        """Returns the dtypes of all variables."""
        from varscope._core import as_dtype
        return {name: as_dtype(entry.dtype) for name, entry in self._entries.items()}

    def get_tensor(self, tensor_str: str) -> np.ndarray:
        """Returns a variable's value. NotFoundError when there is none of this name, DataLossError when
        parts of it are missing."""
        if tensor_str not in self._entries:
            raise errors.NotFoundError(None, None,
                                       f"Key {tensor_str} not found in checkpoint")
        entry = self._entries[tensor_str]
        if not entry.slices:
            return self._value(entry)[()]
        parts = self._parts.get(tensor_str, [])
        if len(parts) != len(entry.slices):
            raise errors.DataLossError(
                None, None, f"{self._prefix}.index says that {tensor_str} has {len(entry.slices)} "
                f"parts, and has {len(parts)} of them: the file is damaged; take another checkpoint")
        whole = np.empty(entry.shape, entry.dtype)
        for at, part in zip(entry.slices, parts):
            whole[at] = self._value(part)
        return whole

    def _value(self, entry: _Entry) -> np.ndarray:
        path = f"{self._prefix}.data-{entry.shard:05d}-of-{self._shards:05d}"
        with open(path, "rb") as file:
            file.seek(entry.offset)
            return np.frombuffer(file.read(entry.size), entry.dtype).reshape(entry.shape)


def _extents(part: bytes) -> tuple[slice, ...]:
    """Where a part belongs: an extent without a length is all of its dimension."""
    extents = [dict(wire.fields(extent)) for field, extent in wire.fields(part) if field == 1]
    return tuple(slice(extent.get(1, 0), extent.get(1, 0) + extent[2]) if 2 in extent else
                 slice(None) for extent in extents)


def _starts(at: tuple[slice, ...]) -> list[int]:
    return [extent.start or 0 for extent in at]


def _name_of_part(key: bytes) -> str:
    """Whose part the entry of this key is: a zero, the name, which ends with a zero and a one, its place."""
    return key[1:key.index(b"\0\1", 1)].replace(b"\0\xff", b"\0").decode()


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    """A block's offset and size, and where the bytes after them begin."""
    offset, at = wire.varint_at(data, at)
    size, at = wire.varint_at(data, at)
    return (offset, size), at


def _block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of a block. A key is written as what it has not of the key before."""
    if table[offset + size] != 0:
        raise errors.UnimplementedError(None, None, "varscope reads tables without compression")
    data = table[offset:offset + size]
    restarts = struct.unpack("<I", data[-4:])[0]
    end, at, key = len(data) - 4 * (restarts + 1), 0, b""
    while at < end:
        shared, at = wire.varint_at(data, at)
        rest, at = wire.varint_at(data, at)
        length, at = wire.varint_at(data, at)
        key = key[:shared] + data[at:at + rest]
        yield key, data[at + rest:at + rest + length]
        at += rest + length


def load_checkpoint(ckpt_dir_or_file: str | os.PathLike[str]) -> CheckpointReader:
    """Returns the reader of a checkpoint, or of the newest one of a folder."""
    path = os.fspath(ckpt_dir_or_file)
    if os.path.isdir(path):
        newest = latest_checkpoint(path)
        if newest is None:
            raise ValueError(f"Couldn't find 'checkpoint' file or checkpoints in given directory "
                             f"{path}")
        path = newest
    return CheckpointReader(path)


def list_variables(ckpt_dir_or_file: str | os.PathLike[str]) -> list[tuple[str, list[int]]]:
    """Returns the names and shapes of a checkpoint's variables."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


def load_variable(ckpt_dir_or_file: str | os.PathLike[str], name: str) -> np.ndarray:
    """Returns one variable's value."""
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))
