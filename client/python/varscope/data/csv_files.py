"""Data sets of tables in files: tf.data.experimental.CsvDataset and make_csv_dataset."""

from __future__ import annotations

import csv
import io
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from varscope import _core, errors
from varscope.data.dataset import Dataset
from varscope.data.elements import Spec, dtype_of
from varscope.data.held import Held
from varscope.scopes import refuse
from varscope.strings.ops import matching, read_whole
from varscope.strings.tensors import StringTensor, bytes_of, is_string, is_text, string


def _rows(path: bytes, header: bool, delimiter: str, quotes: bool) -> Iterator[list[str]]:
    text = io.StringIO(read_whole(path).decode(errors="surrogateescape"), newline="")
    rows = csv.reader(text, delimiter=delimiter,
                      quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE)
    if header:
        next(rows, None)
    return (row for row in rows if row)


class _Column:
    """A column: its dtype, and what it has where a row says nothing; None where it must not."""

    def __init__(self, default: Any) -> None:
        self.default: Any = None
        if isinstance(default, (_core.DType, type(string))) or is_string(default):
            self.dtype = dtype_of(default)
            return
        if isinstance(default, (_core.Tensor, StringTensor)):
            default = Held(default).arrays()
        flat = np.ravel(np.asarray(default, object if is_text(default) else None))
        if is_text(default) or flat.dtype == object:
            self.dtype = string
        elif isinstance(default, np.ndarray):
            self.dtype = _core.as_dtype(flat.dtype)
        else:
            self.dtype = _core.as_dtype("float32" if flat.dtype.kind == "f" else "int32")
        if flat.size:
            self.default = flat[0]

    def value(self, text: str, missing: str) -> Any:
        if text == missing and self.default is None:
            raise errors.InvalidArgumentError(None, None, "a required field is missing")
        given = self.default if text == missing else text
        if is_string(self.dtype):
            return bytes_of(given.encode(errors="surrogateescape") if isinstance(given, str)
                            else given)
        try:
            return self.dtype.as_numpy_dtype(given)
        except ValueError:
            raise errors.InvalidArgumentError(
                None, None, f"{text!r} is no {self.dtype.name}") from None


class CsvDataset(Dataset):
    """The rows of files, as tuples of their columns."""

    def __init__(self, filenames: Any, record_defaults: Sequence[Any],
                 compression_type: str | None = None, buffer_size: int | None = None,
                 header: bool = False, field_delim: str = ",", use_quote_delim: bool = True,
                 na_value: str = "", select_cols: Sequence[int] | None = None) -> None:
        refuse("CsvDataset", compression_type=compression_type)
        names, columns = Held(filenames), [_Column(x) for x in record_defaults]

        def elements() -> Iterator[Any]:
            for path in np.ravel(np.asarray(names.arrays(), object)):
                for row in _rows(path, header, field_delim, use_quote_delim):
                    fields = row if select_cols is None else [row[place] for place in select_cols]
                    if len(fields) != len(columns):
                        raise errors.InvalidArgumentError(
                            None, None, f"Expect {len(columns)} fields but have {len(fields)} in "
                            "record")
                    yield tuple(column.value(field, na_value)
                                for column, field in zip(columns, fields))

        super().__init__(elements, tuple(Spec(column.dtype, []) for column in columns),
                         [names.fed])


def make_csv_dataset(file_pattern: Any, batch_size: int, column_names: Sequence[str] | None = None,
                     column_defaults: Sequence[Any] | None = None, label_name: str | None = None,
                     select_columns: Sequence[Any] | None = None, field_delim: str = ",",
                     use_quote_delim: bool = True, na_value: str = "", header: bool = True,
                     num_epochs: int | None = None, shuffle: bool = True,
                     shuffle_buffer_size: int = 10000, shuffle_seed: int | None = None,
                     prefetch_buffer_size: Any = None, num_parallel_reads: Any = None,
                     sloppy: bool = False, num_rows_for_inference: int | None = 100,
                     compression_type: str | None = None) -> Dataset:
    """Returns batches of the rows of files, as dicts of their columns, with the label beside them
    where there is one. What the columns are is seen from the first rows, if nothing says it."""
    files = list(matching(np.ravel(Held(file_pattern).arrays())))
    names = list(column_names or next(_rows(files[0], False, field_delim, use_quote_delim)))
    chosen = list(range(len(names))) if select_columns is None else [
        x if isinstance(x, int) else names.index(x) for x in select_columns]
    if column_defaults is None:
        first = _rows(files[0], header, field_delim, use_quote_delim)
        seen = [row for row, _ in zip(first, range(num_rows_for_inference or 1 << 60))]
        column_defaults = [_seen([row[place] for row in seen], na_value) for place in chosen]
    keys = [names[place] for place in chosen]
    if label_name is not None and label_name not in keys:
        raise ValueError("`label_name` provided must be one of the columns.")
    rows = CsvDataset(files, column_defaults, compression_type, None, header, field_delim,
                      use_quote_delim, na_value, chosen)
    if shuffle:
        rows = rows.shuffle(shuffle_buffer_size, shuffle_seed)
    batches = rows.repeat(num_epochs).batch(batch_size, drop_remainder=num_epochs is None)
    return batches._with(lambda: map(_named(keys, label_name), batches._elements()),
                         _named(keys, label_name)(batches._element))


def _seen(texts: Sequence[str], missing: str) -> Any:
    """The default of a column with these texts: a number, if all are numbers."""
    given = [text for text in texts if text != missing]
    for kind, default in ((_small, [0]), (float, [0.0])):
        try:
            for text in given:
                kind(text)
        except ValueError:
            continue
        return default
    return [""]


def _small(text: str) -> int:
    """A number that int32 has."""
    if abs(int(text)) >= 1 << 31:
        raise ValueError(text)
    return int(text)


def _named(keys: Sequence[str], label: str | None) -> Callable[[Any], Any]:
    """A function of a row's columns, which gives them names."""

    def name(columns: Any) -> Any:
        made = OrderedDict(zip(keys, columns))
        return made if label is None else (made, made.pop(label))

    return name
