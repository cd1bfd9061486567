"""Data sets of files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from varscope.data.dataset import Dataset
from varscope.data.elements import Spec
from varscope.data.held import Held
from varscope.readers.readers import fixed_records, lines_of, tf_records
from varscope.scopes import refuse
from varscope.strings.tensors import string


def _files(filenames: Any, records: Callable[[bytes], Iterator[tuple[bytes, bytes]]]) -> Dataset:
    """The records of some files, one after the other."""
    names = Held(filenames)

    def elements() -> Iterator[Any]:
        for path in np.ravel(np.asarray(names.arrays(), object)):
            for _, record in records(path):
                yield record

    return Dataset(elements, Spec(string, []), [names.fed])


class TextLineDataset(Dataset):
    """The lines of text files."""

    def __init__(self, filenames: Any, compression_type: str | None = None,
                 buffer_size: int | None = None) -> None:
        refuse("TextLineDataset", compression_type=compression_type)
        made = _files(filenames, lines_of)
        super().__init__(made._elements, made._element, made._fed)


class TFRecordDataset(Dataset):
    """The records of TFRecord files."""

    def __init__(self, filenames: Any, compression_type: str | None = None,
                 buffer_size: int | None = None, num_parallel_reads: int | None = None) -> None:
        made = _files(filenames, lambda path: tf_records(path, compression_type))
        super().__init__(made._elements, made._element, made._fed)


class FixedLengthRecordDataset(Dataset):
    """Records of a size, of files."""

    def __init__(self, filenames: Any, record_bytes: int, header_bytes: int = 0,
                 footer_bytes: int = 0, buffer_size: int | None = None) -> None:
        made = _files(filenames, lambda path: fixed_records(
            path, record_bytes, header_bytes, footer_bytes))
        super().__init__(made._elements, made._element, made._fed)
