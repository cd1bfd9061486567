"""Batches: what several runs of some tensors give, together. The run that needs one makes it."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from varscope import errors, shapes
from varscope.feeders import Run, Source
from varscope.ops import convert_to_tensor
from varscope.strings.tensors import StringTensor, outputs

# An element: a value of each tensor.
_Element = list[Any]


class _Elements:
    """Elements one by one: each is what one run of a group of tensors gives, or a row of that.

    Several groups take turns. A group that has ended is left out; OutOfRangeError when all have.
    """

    def __init__(self, groups: Sequence[Sequence[Any]], rows: bool) -> None:
        self._groups = [[x if isinstance(x, StringTensor) else x.name for x in group]
                        for group in groups]
        self._rows = rows
        self._turns = itertools.cycle(range(len(groups)))
        self._ended: set[int] = set()
        self._waiting: list[_Element] = []

    def next(self, run: Run) -> _Element:
        while not self._waiting:
            made = self._made(run)
            self._waiting = [list(row) for row in zip(*made)] if self._rows else [made]
        return self._waiting.pop(0)

    def _made(self, run: Run) -> _Element:
        while True:
            turn = next(self._turns)
            if turn in self._ended:
                continue
            try:
                # As a queue runner's run: the caller's feeds are not for it.
                return run.session.run_inside(Run(run.session), self._groups[turn])
            except errors.OutOfRangeError:
                self._ended.add(turn)
                if len(self._ended) == len(self._groups):
                    raise


class _Batches(Source):
    """Elements stacked, in their order, or drawn from a number of them that waits."""

    def __init__(self, elements: _Elements, size: int, smaller: bool, pad: bool = False,
                 waiting: int | None = None, seed: int | None = None) -> None:
        self._elements = elements
        self._size, self._smaller, self._pad = size, smaller, pad
        self._least = waiting
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._held: list[_Element] = []
        self._end: errors.OutOfRangeError | None = None

    def take(self, run: Run) -> list[Any]:
        with self._lock:
            self._fill(run, self._size + (self._least or 0))
            if len(self._held) < (1 if self._smaller else self._size):
                assert self._end is not None
                raise self._end
            part = [self._held.pop(self._place()) for _ in range(min(self._size, len(self._held)))]
        stack = padded if self._pad else stacked
        return [stack(values) for values in zip(*part)]

    def _fill(self, run: Run, count: int) -> None:
        while len(self._held) < count and self._end is None:
            try:
                self._held.append(self._elements.next(run))
            except errors.OutOfRangeError as error:
                self._end = error

    def _place(self) -> int:
        return 0 if self._least is None else self._random.randrange(len(self._held))


def stacked(values: Sequence[Any]) -> np.ndarray:
    """Returns elements' values as one array. InvalidArgumentError for different shapes."""
    if isinstance(values[0], bytes):
        found = np.empty(len(values), object)
        found[:] = values
        return found
    try:
        return np.stack(values)
    except ValueError:
        shown = sorted({np.shape(value) for value in values})
        raise errors.InvalidArgumentError(
            None, None, f"elements of one batch have different shapes: {shown}") from None


def padded(values: Sequence[Any], least: Sequence[int] = (), fill: Any = None) -> np.ndarray:
    """The same, with zeros, or empty strings, or `fill`, where an element is smaller than the largest,
    or than `least`."""
    if isinstance(values[0], bytes):
        return stacked(values)
    arrays = [np.asarray(value) for value in values]
    largest = np.max([array.shape for array in arrays] + ([tuple(least)] if least else []), axis=0)
    largest = largest.astype(int)
    if fill is None:
        fill = b"" if arrays[0].dtype == object else 0
    found = np.full((len(arrays), *largest), fill.encode() if isinstance(fill, str) else fill,
                    arrays[0].dtype)
    for place, array in enumerate(arrays):
        found[(place, *(slice(0, n) for n in array.shape))] = array
    return found


def _listed(tensors: Any) -> list[Any]:
    """The tensors of a list, of a dict, or one."""
    if isinstance(tensors, Mapping):
        items = list(tensors.values())
    else:
        items = list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]
    return [convert_to_tensor(x) for x in items]


def _as(tensors: Any, made: list[Any]) -> Any:
    """What was made, in the form of the tensors that it was made of; of a list of one tensor that one,
    as TensorFlow has it."""
    if isinstance(tensors, Mapping):
        return dict(zip(tensors, made))
    return made[0] if len(made) == 1 else made


def _batched(groups: Sequence[Any], size: Any, rows: bool, given: Any, smaller: bool, pad: bool,
             name: str, waiting: int | None = None, seed: int | None = None) -> Any:
    listed = [_listed(group) for group in groups]
    source = _Batches(_Elements(listed, rows), int(size), smaller, pad, waiting, seed)
    count = -1 if smaller else int(size)
    specs: list[tuple[Any, list[int] | None]] = []
    for place, tensor in enumerate(listed[0]):
        dims = _dims_of_one(tensor, rows) if given is None else shapes.dims_of(given[place])
        specs.append((tensor.dtype, None if dims is None else [count, *dims]))
    return _as(groups[0], outputs(source, specs, name))


def _dims_of_one(tensor: Any, rows: bool) -> list[int] | None:
    dims = tensor._dims
    return dims if dims is None or not rows else dims[1:]


def batch(tensors: Any, batch_size: int, num_threads: int = 1, capacity: int = 32,
          enqueue_many: bool = False, shapes: Any = None, dynamic_pad: bool = False,
          allow_smaller_final_batch: bool = False, shared_name: str | None = None,
          name: str | None = None) -> Any:
    """Returns the tensors with a dimension more: what so many runs of them give.

    With enqueue_many a run gives the rows of its tensors. OutOfRangeError when less than a batch
    is left, or nothing with allow_smaller_final_batch.
    """
    return _batched([tensors], batch_size, enqueue_many, shapes, allow_smaller_final_batch,
                    dynamic_pad, name or "batch")


def batch_join(tensors_list: Sequence[Any], batch_size: int, capacity: int = 32,
               enqueue_many: bool = False, shapes: Any = None, dynamic_pad: bool = False,
               allow_smaller_final_batch: bool = False, shared_name: str | None = None,
               name: str | None = None) -> Any:
    """The same of several groups of tensors, which take turns."""
    return _batched(tensors_list, batch_size, enqueue_many, shapes, allow_smaller_final_batch,
                    dynamic_pad, name or "batch_join")


def shuffle_batch(tensors: Any, batch_size: int, capacity: int, min_after_dequeue: int,
                  num_threads: int = 1, seed: int | None = None, enqueue_many: bool = False,
                  shapes: Any = None, allow_smaller_final_batch: bool = False,
                  shared_name: str | None = None, name: str | None = None) -> Any:
    """As batch, of elements drawn from so many that wait."""
    return _batched([tensors], batch_size, enqueue_many, shapes, allow_smaller_final_batch, False,
                    name or "shuffle_batch", min_after_dequeue, seed)


def shuffle_batch_join(tensors_list: Sequence[Any], batch_size: int, capacity: int,
                       min_after_dequeue: int, seed: int | None = None, enqueue_many: bool = False,
                       shapes: Any = None, allow_smaller_final_batch: bool = False,
                       shared_name: str | None = None, name: str | None = None) -> Any:
    """The same of several groups of tensors, which take turns."""
    return _batched(tensors_list, batch_size, enqueue_many, shapes, allow_smaller_final_batch,
                    False, name or "shuffle_batch_join", min_after_dequeue, seed)
