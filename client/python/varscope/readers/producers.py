"""Queues that have the items of a list again and again."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from varscope import _core, errors
from varscope.arrays import range as numbers_below
from varscope.feeders import Run, Source
from varscope.strings.tensors import StringTensor, dims_of, is_text, outputs, text_constant


class Rows(Source):
    """The rows of some tensors, all of the same length, in passes, each perhaps in another order."""

    def __init__(self, tensors: Sequence[Any], passes: int | None, shuffle: bool,
                 seed: int | None, name: str) -> None:
        self._tensors = [tensor.name if isinstance(tensor, _core.Tensor) else tensor
                         for tensor in tensors]
        self._passes, self._shuffle = passes, shuffle
        self._random = random.Random(seed)
        self._name = name
        self._lock = threading.Lock()
        self._rows: Iterator[list[Any]] | None = None

    def take(self, run: Run) -> list[Any]:
        with self._lock:
            if self._rows is None:
                self._rows = self._all([np.asarray(self._value(run, x)) for x in self._tensors])
            for row in self._rows:
                return row
        raise errors.OutOfRangeError(
            None, None, f"FIFOQueue '{self._name}' is closed and has insufficient elements "
            "(requested 1, current size 0)")

    def _value(self, run: Run, tensor: Any) -> Any:
        if isinstance(tensor, StringTensor):
            return np.asarray(tensor.value(run), object)
        return run.session.run_inside(run, tensor) if isinstance(tensor, str) else tensor

    def _all(self, arrays: list[np.ndarray]) -> Iterator[list[Any]]:
        done = 0
        while self._passes is None or done < self._passes:
            order = list(range(len(arrays[0])))
            if self._shuffle:
                self._random.shuffle(order)
            for i in order:
                yield [array[i] for array in arrays]
            done += 1


class Producer:
    """A queue that has one row after the other of a tensor."""

    def __init__(self, source: Rows, dtype: Any, dims: list[int] | None, name: str) -> None:
        self.source = source
        self.name = name
        self._spec = dtype, dims

    def dequeue(self, name: str | None = None) -> Any:
        """Returns a tensor: the next row in each run."""
        return outputs(self.source, [self._spec], name or f"{self.name}_Dequeue")[0]


def _typed(tensor: Any) -> Any:
    """A tensor of what a producer is given."""
    if isinstance(tensor, (StringTensor, _core.Tensor)):
        return tensor
    if is_text(tensor):
        return text_constant(tensor)
    if isinstance(tensor, _core.Variable):
        return tensor._unordered_value()
    array = np.asarray(tensor)
    narrow = {"f": np.float32, "i": np.int32}.get(array.dtype.kind)
    return array if narrow is None or hasattr(tensor, "dtype") else array.astype(narrow)


def _row_of(tensor: Any) -> tuple[Any, list[int] | None]:
    dims = dims_of(tensor)
    dtype = tensor.dtype if hasattr(tensor, "op") else _core.as_dtype(tensor.dtype)
    return dtype, None if dims is None else dims[1:]


def input_producer(input_tensor: Any, element_shape: Any = None, num_epochs: int | None = None,
                   shuffle: bool = True, seed: int | None = None, capacity: int = 32,
                   shared_name: str | None = None, summary_name: str | None = None,
                   name: str | None = None, cancel_op: Any = None) -> Producer:
    """Returns a queue that has the rows of a tensor, in so many passes, or for ever."""
    tensor = _typed(input_tensor)
    name = name or "input_producer"
    return Producer(Rows([tensor], num_epochs, shuffle, seed, name), *_row_of(tensor), name)


def string_input_producer(string_tensor: Any, num_epochs: int | None = None,
                          shuffle: bool = True, seed: int | None = None, capacity: int = 32,
                          shared_name: str | None = None, name: str | None = None,
                          cancel_op: Any = None) -> Producer:
    """The same of strings, file names most often. ValueError for an empty list."""
    if isinstance(string_tensor, (list, tuple)) and not string_tensor:
        raise ValueError("string_input_producer requires a non-null input tensor")
    return input_producer(string_tensor, None, num_epochs, shuffle, seed, capacity,
                          name=name or "input_producer")


def range_input_producer(limit: Any, num_epochs: int | None = None, shuffle: bool = True,
                         seed: int | None = None, capacity: int = 32,
                         shared_name: str | None = None, name: str | None = None) -> Producer:
    """The same of the numbers below a limit."""
    below = np.arange(limit, dtype=np.int32) if not isinstance(limit, _core.Tensor) else (
        numbers_below(limit))
    return input_producer(below, None, num_epochs, shuffle, seed, capacity,
                          name=name or "input_producer")


def slice_input_producer(tensor_list: Sequence[Any], num_epochs: int | None = None,
                         shuffle: bool = True, seed: int | None = None, capacity: int = 32,
                         shared_name: str | None = None, name: str | None = None) -> list[Any]:
    """Returns tensors: in each run the next row of each tensor. ValueError for an empty list."""
    if not tensor_list:
        raise ValueError("Expected at least one tensor in slice_input_producer().")
    tensors = [_typed(tensor) for tensor in tensor_list]
    name = name or "input_producer"
    return outputs(Rows(tensors, num_epochs, shuffle, seed, name),
                   [_row_of(tensor) for tensor in tensors], name)


