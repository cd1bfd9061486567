"""Readers: the records of files whose names a queue has."""

from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Iterator
from typing import Any

from varscope import errors
from varscope.feeders import Run, Source
from varscope.strings.ops import read_whole
from varscope.strings.tensors import StringTensor, outputs, string
from varscope.summaries.records import records_of


class _Records(Source):
    """A key and a record of each run that needs one."""

    def __init__(self, reader: ReaderBase, queue: Any) -> None:
        self._reader, self._queue = reader, queue

    def take(self, run: Run) -> list[Any]:
        return list(self._reader._next(self._queue, run))


class ReaderBase:
    """What all readers are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: Iterator[tuple[bytes, bytes]] = iter(())

    def read(self, queue: Any, name: str | None = None) -> tuple[StringTensor, StringTensor]:
        """Returns a key and a record: in each run the next ones of the files that the queue names.

        A run raises OutOfRangeError when there are none left.
        """
        key, value = outputs(_Records(self, queue), [(string, []), (string, [])],
                             name or "ReaderRead")
        return key, value

    def _next(self, queue: Any, run: Run) -> tuple[bytes, bytes]:
        with self._lock:
            while True:
                for made in self._left:
                    return made
                # A queue gives each file once: a run may need several.
                path = queue.source.take(run)[0]
                self._left = self._records(path)

    def _records(self, path: bytes) -> Iterator[tuple[bytes, bytes]]:
        raise NotImplementedError


def lines_of(path: bytes, skipped: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Gives a file's lines, each with the place that it has."""
    text = read_whole(path)
    lines = text.split(b"\n")
    if lines and lines[-1] == b"":
        lines.pop()
    for number, line in enumerate(lines[skipped:], skipped + 1):
        yield path + b":%d" % number, line.removesuffix(b"\r")


class TextLineReader(ReaderBase):
    """Records are lines."""

    def __init__(self, skip_header_lines: int | None = None, name: str | None = None) -> None:
        super().__init__()
        self._skipped = skip_header_lines or 0

    def _records(self, path: bytes) -> Iterator[tuple[bytes, bytes]]:
        return lines_of(path, self._skipped)


class WholeFileReader(ReaderBase):
    """Records are whole files, their keys the names."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__()

    def _records(self, path: bytes) -> Iterator[tuple[bytes, bytes]]:
        return iter([(path, read_whole(path))])


class IdentityReader(ReaderBase):
    """Records are the names themselves."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__()

    def _records(self, path: bytes) -> Iterator[tuple[bytes, bytes]]:
        return iter([(path, path)])


def fixed_records(path: bytes, size: int, header: int = 0,
                  footer: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Gives the records of a size that a file has between its header and its footer."""
    data = read_whole(path)
    for number, at in enumerate(range(header, len(data) - footer - size + 1, size)):
        yield path + b":%d" % number, data[at:at + size]


class FixedLengthRecordReader(ReaderBase):
    """Records have a size."""

    def __init__(self, record_bytes: int, header_bytes: int | None = None,
                 footer_bytes: int | None = None, hop_bytes: int | None = None,
                 name: str | None = None) -> None:
        super().__init__()
        if hop_bytes:
            raise NotImplementedError("FixedLengthRecordReader: varscope has no 'hop_bytes'")
        self._parts = record_bytes, header_bytes or 0, footer_bytes or 0

    def _records(self, path: bytes) -> Iterator[tuple[bytes, bytes]]:
        return fixed_records(path, *self._parts)


class TFRecordOptions:
    """How a file of records is compressed."""

    def __init__(self, compression_type: Any = None) -> None:
        self.compression_type = compression_type


class TFRecordCompressionType:
    """The kinds of compression."""

    NONE, ZLIB, GZIP = 0, 1, 2


def tf_records(path: bytes, options: Any = None) -> Iterator[tuple[bytes, bytes]]:
    """Gives the records of a TFRecord file. DataLossError for a file that is none."""
    data = read_whole(path)
    kind = getattr(options, "compression_type", options)
    if kind in (TFRecordCompressionType.GZIP, "GZIP"):
        data = gzip.decompress(data)
    elif kind in (TFRecordCompressionType.ZLIB, "ZLIB"):
        data = zlib.decompress(data)
    try:
        for at, record in records_of(data):
            yield path + b":%d" % at, record
    except ValueError as error:
        raise errors.DataLossError(None, None, str(error)) from None


class TFRecordReader(ReaderBase):
    """Records are those of TFRecord files."""

    def __init__(self, name: str | None = None, options: TFRecordOptions | None = None) -> None:
        super().__init__()
        self._options = options

    def _records(self, path: bytes) -> Iterator[tuple[bytes, bytes]]:
        return tf_records(path, self._options)


def tf_record_iterator(path: Any, options: TFRecordOptions | None = None) -> Iterator[bytes]:
    """Gives the records of a TFRecord file to Python."""
    name = path.encode() if isinstance(path, str) else path
    return (record for _, record in tf_records(name, options))
