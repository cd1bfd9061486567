"""Data sets of files."""

from __future__ import annotations

import csv
import os
import urllib.request
from typing import Any, NamedTuple

import numpy as np


class Dataset(NamedTuple):
    """Rows of numbers, and what each is to be."""

    data: Any
    target: Any


class Datasets(NamedTuple):
    """Data sets for three purposes."""

    train: Any
    validation: Any
    test: Any


class ModeKeys:
    """What a model is built for."""

    TRAIN, EVAL, INFER = "train", "eval", "infer"


def load_csv_with_header(filename: str, target_dtype: Any, features_dtype: Any,
                         target_column: int = -1) -> Dataset:
    """Returns the rows of a file whose first line says how many samples and features there are."""
    with open(filename, newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        made = _split(rows, target_dtype, features_dtype, target_column)
    return Dataset(made.data.reshape(int(header[0]), int(header[1])), made.target)


def load_csv_without_header(filename: str, target_dtype: Any, features_dtype: Any,
                            target_column: int = -1) -> Dataset:
    """The same of a file without such a line."""
    with open(filename, newline="") as file:
        return _split(csv.reader(file), target_dtype, features_dtype, target_column)


def _split(rows: Any, target_dtype: Any, features_dtype: Any, column: int) -> Dataset:
    data, target = [], []
    for row in rows:
        target.append(row.pop(column))
        data.append(np.asarray(row, dtype=features_dtype))
    return Dataset(np.array(data), np.array(target, dtype=target_dtype))


def maybe_download(filename: str, work_directory: str, source_url: str) -> str:
    """Returns the path of a file in a folder, into which it is fetched when it is not there."""
    os.makedirs(work_directory, exist_ok=True)
    path = os.path.join(work_directory, filename)
    if not os.path.exists(path):
        urllib.request.urlretrieve(source_url, path)
    return path


def pad_sequences(sequences: Any, maxlen: int | None = None, dtype: Any = "int32",
                  padding: str = "pre", truncating: str = "pre", value: Any = 0.0) -> np.ndarray:
    """Returns sequences as rows of one length: filled up, or cut, at their beginning or end."""
    for ends in (padding, truncating):
        if ends not in ("pre", "post"):
            raise ValueError(f'"{ends}" is neither "pre" nor "post"')
    longest = max(map(len, sequences), default=0) if maxlen is None else maxlen
    parts = [np.asarray(one) for one in sequences]
    inner = next((part.shape[1:] for part in parts if part.size), ())
    found = np.full((len(parts), longest, *inner), value, dtype)
    for row, part in zip(found, parts):
        kept = part[-longest:] if truncating == "pre" else part[:longest]
        if kept.size and longest and padding == "pre":
            row[-len(kept):] = kept
        elif kept.size and longest:
            row[:len(kept)] = kept
    return found
