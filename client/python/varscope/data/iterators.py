"""Iterators: the elements of a data set, one for each run that needs it."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

from varscope import errors, shapes
from varscope.data.elements import Spec, dtype_of, flat, structured
from varscope.derived import Derived
from varscope.feeders import Run, Source
from varscope.sparse import SparseTensorValue
from varscope.strings.tensors import StringTensor, outputs, text_constant, to_text

# By their handles, as long as a program has them.
_known: weakref.WeakValueDictionary[bytes, IteratorOfDataset] = weakref.WeakValueDictionary()


class IteratorOfDataset:
    """Where a data set's next element comes from. A run that needs it takes it; OutOfRangeError
    when there is none."""

    _handle: StringTensor | None = None

    def __init__(self, element: Any) -> None:
        self._element = element
        self._source: Iterator[Any] | None = None
        self._initializer: Any = None

    @property
    def initializer(self) -> Any:
        """What begins its pass. ValueError for an iterator that nothing begins, or several do."""
        if self._initializer is None:
            raise ValueError("Iterator does not have an initializer.")
        return self._initializer

    @initializer.setter
    def initializer(self, initializer: Any) -> None:
        self._initializer = initializer

    @property
    def output_types(self) -> Any:
        return structured(lambda spec: spec.dtype, self._element)

    @property
    def output_classes(self) -> Any:
        return structured(lambda spec: spec.kind, self._element)

    @property
    def output_shapes(self) -> Any:
        return structured(lambda spec: shapes.TensorShape(spec.dims), self._element)

    def string_handle(self, name: str | None = None) -> Any:
        """Returns the text by which from_string_handle() finds this iterator."""
        handle = f"varscope-iterator-{id(self)}"
        _known[handle.encode()] = self
        return text_constant(handle, name)

    @staticmethod
    def from_string_handle(string_handle: Any, output_types: Any, output_shapes: Any = None,
                           output_classes: Any = None) -> IteratorOfDataset:
        """Returns an iterator that takes the elements of another one: of that whose handle the run is
        fed."""
        made = IteratorOfDataset.from_structure(output_types, output_shapes)
        made._handle = to_text(string_handle)
        return made

    @staticmethod
    def from_structure(output_types: Any, output_shapes: Any = None,
                       shared_name: str | None = None,
                       output_classes: Any = None) -> IteratorOfDataset:
        """Returns an iterator of any data set with such elements."""
        unknown = structured(lambda dtype: None, output_types)
        return IteratorOfDataset(structured(
            lambda dtype, shape: Spec(dtype_of(dtype), shapes.dims_of(shape)),
            output_types, unknown if output_shapes is None else output_shapes))

    def make_initializer(self, dataset: Any, name: str | None = None) -> Any:
        """Returns what begins a pass of the data set, when a session runs it."""
        return _Initializer(self, dataset)

    def start(self, dataset: Any) -> None:
        """Begins a pass."""
        self._source = dataset._elements()

    def get_next(self, name: str | None = None) -> Any:
        """Returns tensors: the next element of each run that needs one of them."""
        specs = [part for spec in flat(self._element) for part in spec.parts()]
        made = iter(outputs(_NextElement(self), specs, name or "IteratorGetNext"))
        return structured(lambda spec: spec.joined([next(made) for _ in spec.parts()]),
                          self._element)

    def take_next(self, run: Run) -> list[Any]:
        """Returns the arrays of the next element."""
        if self._handle is not None:
            handle = self._handle.value(run)
            if handle not in _known:
                raise errors.InvalidArgumentError(
                    None, None, f"there is no iterator of the handle {handle!r}")
            return _known[handle].take_next(run)
        if self._source is None:
            raise errors.FailedPreconditionError(
                None, None, "GetNext() failed because the iterator has not been initialized.")
        try:
            return [part for x in flat(next(self._source))
                    for part in (x if isinstance(x, SparseTensorValue) else [x])]
        except StopIteration:
            raise errors.OutOfRangeError(None, None, "End of sequence") from None


class _NextElement(Source):
    def __init__(self, iterator: IteratorOfDataset) -> None:
        self._iterator = iterator

    def take(self, run: Run) -> list[Any]:
        return self._iterator.take_next(run)


class _Initializer(Derived):
    """Begins a pass, with the arrays that the run is fed for the data set's placeholders."""

    def __init__(self, iterator: IteratorOfDataset, dataset: Any) -> None:
        super().__init__("MakeIterator", [held.parts for held in dataset._fed],
                         self._start)
        self._iterator, self._dataset = iterator, dataset

    def _start(self, fed: list[dict[str, Any]]) -> None:
        for held, values in zip(self._dataset._fed, fed):
            held.update(values)
        self._iterator.start(self._dataset)
