"""Queues that a program fills and empties by ops. They are the process's own."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from varscope import _core, errors, shapes
from varscope.derived import Derived
from varscope.feeders import Run, Source
from varscope.ops import convert_to_tensor
from varscope.readers.batches import padded, stacked
from varscope.strings.tensors import Computed, StringTensor, is_string, outputs, scoped, to_text

_Element = list[Any]


class _Held:
    """The elements of a queue. Threads wait in it for room, and for elements."""

    def __init__(self, capacity: int, name: str, least: int = 0, seed: int | None = None,
                 shuffled: bool = False) -> None:
        self._capacity = capacity if capacity > 0 else 1 << 62
        self._name = name
        self._least = least
        self._random = random.Random(seed) if shuffled else None
        self._changed = threading.Condition()
        self._elements: list[_Element] = []
        self.closed = self._cancelled = False

    def __len__(self) -> int:
        return len(self._elements)

    def put(self, elements: Sequence[_Element]) -> None:
        """Waits for room. CancelledError when the queue is closed."""
        with self._changed:
            self._check(self.closed)
            for element in elements:
                # What waits when the queue is closed is still put in.
                self._changed.wait_for(self._may_put)
                self._check(self._cancelled)
                self._elements.append(element)
                self._changed.notify_all()

    def _check(self, refused: bool) -> None:
        if refused:
            raise errors.CancelledError(None, None, f"'{self._name}' is closed.")

    def _may_put(self) -> bool:
        return self._cancelled or len(self._elements) < self._capacity

    def get(self, count: int, fewer: bool) -> list[_Element]:
        """Waits for so many elements. OutOfRangeError when a closed queue has less."""
        with self._changed:
            found: list[_Element] = []
            if not fewer:  # all or none: others may not take what this one waits for
                self._changed.wait_for(lambda: self.closed or self._may_get(count))
                if len(self._elements) < count:
                    raise self._empty(count)
            while len(found) < count:
                self._changed.wait_for(lambda: self.closed or self._may_get(1))
                if not self._elements:
                    break
                found.append(self._elements.pop(self._place()))
                self._changed.notify_all()
            if not found:
                raise self._empty(count)
            return found

    def _may_get(self, count: int) -> bool:
        # A queue of less than that would never have so many.
        return len(self._elements) >= min(count + self._least, self._capacity)

    def _place(self) -> int:
        return 0 if self._random is None else self._random.randrange(len(self._elements))

    def _empty(self, count: int) -> errors.OutOfRangeError:
        return errors.OutOfRangeError(
            None, None, f"'{self._name}' is closed and has insufficient elements (requested "
            f"{count}, current size {len(self._elements)})")

    def close(self, cancel: bool) -> None:
        with self._changed:
            self.closed, self._cancelled = True, self._cancelled or cancel
            self._changed.notify_all()


class _Taken(Source):
    """What a run takes out of a queue."""

    def __init__(self, take: Callable[[], list[Any]]) -> None:
        self._take = take

    def take(self, run: Run) -> list[Any]:
        return self._take()


class QueueBase:
    """A queue of elements, each of some tensors of these dtypes and shapes."""

    def __init__(self, held: _Held, dtypes: Any, dims: Any, names: Any, name: str) -> None:
        self._held = held
        self.dtypes = [x if is_string(x) else _core.as_dtype(x) for x in _listed(dtypes)]
        self.shapes = [None] * len(self.dtypes) if dims is None else [
            shapes.dims_of(one) for one in _listed_shapes(dims, len(self.dtypes))]
        self.names = None if names is None else _listed(names)
        self.name = name

    def _values(self, vals: Any) -> list[Any]:
        """The tensors of an element. ValueError for another number of them."""
        if isinstance(vals, Mapping):
            vals = [vals[name] for name in self.names or []]
        items = list(vals) if isinstance(vals, (list, tuple)) and len(self.dtypes) > 1 else [vals]
        if isinstance(vals, (list, tuple)) and len(self.dtypes) == 1 and len(vals) == 1:
            items = list(vals)
        if len(items) != len(self.dtypes):
            raise ValueError(f"Expected {len(self.dtypes)} tensors, but got {len(items)}")
        return [_tensor(item, dtype) for item, dtype in zip(items, self.dtypes)]

    def enqueue(self, vals: Any, name: str | None = None) -> Derived:
        """Returns an op that puts one element in, when there is room."""
        return self._put(self._values(vals), name or f"{self.name}_enqueue", lambda x: [list(x)])

    def enqueue_many(self, vals: Any, name: str | None = None) -> Derived:
        """Returns an op that puts the rows of tensors in, one by one."""
        return self._put(self._values(vals), name or f"{self.name}_EnqueueMany",
                         lambda x: [list(row) for row in zip(*x)])

    def _put(self, tensors: list[Any], name: str, elements: Any) -> Derived:
        held = self._held
        parts = [x if isinstance(x, StringTensor) else x.name for x in tensors]
        return Derived(scoped(name), parts, lambda values: held.put(elements(values)))

    def dequeue(self, name: str | None = None) -> Any:
        """Returns tensors: an element that a run takes out, when there is one."""
        held = self._held
        specs = list(zip(self.dtypes, self.shapes))
        return self._form(outputs(_Taken(lambda: held.get(1, False)[0]), specs,
                                  name or f"{self.name}_Dequeue"))

    def dequeue_many(self, n: int, name: str | None = None) -> Any:
        """The same of so many elements, stacked. OutOfRangeError when a closed queue has less."""
        return self._many(n, False, name or f"{self.name}_DequeueMany")

    def dequeue_up_to(self, n: int, name: str | None = None) -> Any:
        """The same of fewer when the queue is closed."""
        return self._many(n, True, name or f"{self.name}_DequeueUpTo")

    def _many(self, n: int, fewer: bool, name: str) -> Any:
        held, stack, count = self._held, self._stack, int(n)
        specs = [(dtype, None if dims is None else [-1 if fewer else count, *dims])
                 for dtype, dims in zip(self.dtypes, self.shapes)]

        def take() -> list[Any]:
            return [stack(values) for values in zip(*held.get(count, fewer))]

        return self._form(outputs(_Taken(take), specs, name))

    _stack = staticmethod(stacked)

    def _form(self, tensors: list[Any]) -> Any:
        if self.names is not None:
            return dict(zip(self.names, tensors))
        return tensors[0] if len(tensors) == 1 else tensors

    def size(self, name: str | None = None) -> _core.Tensor:
        """Returns how many elements there are."""
        held = self._held
        return outputs(Computed(lambda: [np.int32(len(held))], []),
                       [(_core.as_dtype("int32"), [])], name or f"{self.name}_Size")[0]

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Derived:
        """Returns an op after which nothing is put in."""
        held = self._held
        return Derived(scoped(name or f"{self.name}_Close"), [],
                       lambda _: held.close(cancel_pending_enqueues))

    def cancel(self) -> None:
        """Closes the queue at once; threads that wait for room end."""
        self._held.close(True)

    def finish(self) -> None:
        """Closes the queue; what is in it may still be taken."""
        self._held.close(False)

    def is_closed(self, name: str | None = None) -> _core.Tensor:
        """Returns whether the queue is closed."""
        held = self._held
        return outputs(Computed(lambda: [np.bool_(held.closed)], []),
                       [(_core.as_dtype("bool"), [])], name or f"{self.name}_IsClosed")[0]


def _listed(x: Any) -> list[Any]:
    return list(x) if isinstance(x, (list, tuple)) else [x]


def _listed_shapes(given: Any, count: int) -> list[Any]:
    """One shape for each tensor: a list of shapes, or one shape."""
    items = list(given) if isinstance(given, (list, tuple)) else [given]
    if len(items) == count and not (count == 1 and items and isinstance(items[0], int)):
        return items
    if count == 1:
        return [given]
    raise ValueError(f"Queue has {count} tensors, but {len(items)} shapes")


def _tensor(x: Any, dtype: Any) -> Any:
    return to_text(x) if is_string(dtype) else convert_to_tensor(x, dtype)


class FIFOQueue(QueueBase):
    """Elements leave in the order in which they came."""

    def __init__(self, capacity: int, dtypes: Any, shapes: Any = None, names: Any = None,
                 shared_name: str | None = None, name: str = "fifo_queue") -> None:
        super().__init__(_Held(capacity, name), dtypes, shapes, names, name)


class PaddingFIFOQueue(QueueBase):
    """The same, of elements of different sizes, which dequeue_many fills up with zeros."""

    def __init__(self, capacity: int, dtypes: Any, shapes: Any, names: Any = None,
                 shared_name: str | None = None, name: str = "padding_fifo_queue") -> None:
        super().__init__(_Held(capacity, name), dtypes, shapes, names, name)

    _stack = staticmethod(padded)


class RandomShuffleQueue(QueueBase):
    """Elements leave in a random order. So many stay, until the queue is closed."""

    def __init__(self, capacity: int, min_after_dequeue: int, dtypes: Any, shapes: Any = None,
                 names: Any = None, seed: int | None = None, shared_name: str | None = None,
                 name: str = "random_shuffle_queue") -> None:
        super().__init__(_Held(capacity, name, min_after_dequeue, seed, True), dtypes, shapes,
                         names, name)
