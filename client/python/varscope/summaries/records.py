"""Files of records, each with the masked checksums that TensorFlow's readers check."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import IO

from varscope import _core


def _masked(data: bytes) -> int:
    crc = _core._crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """Returns the bytes of one record."""
    length = struct.pack("<Q", len(data))
    return b"".join([length, struct.pack("<I", _masked(length)), data,
                     struct.pack("<I", _masked(data))])


def records_of(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Gives the records of a file, each with the place where it begins. ValueError for others."""
    at = 0
    while at < len(data):
        size = struct.unpack_from("<Q", data, at)[0] if at + 12 <= len(data) else len(data)
        end = at + 16 + size
        if end > len(data) or record(data[at + 12:at + 12 + size]) != data[at:end]:
            raise ValueError(f"corrupted record at {at}")
        yield at, data[at + 12:at + 12 + size]
        at = end


class RecordWriter:
    """Appends records to a file. A context manager, which closes it."""

    def __init__(self, path: str | os.PathLike[str], options: None = None) -> None:
        self._file: IO[bytes] = open(path, "wb")  # noqa: SIM115 (close() closes it)

    def write(self, record_bytes: bytes) -> None:
        self._file.write(record(record_bytes))

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> RecordWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
