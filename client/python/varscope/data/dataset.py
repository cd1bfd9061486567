"""tf.data.Dataset: elements that are made one after the other when a run needs them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from varscope import _core, errors, shapes
from varscope.derived import Derived
from varscope.feeders import Feeder

_Elements = Callable[[], Iterator[Any]]


def _structured(function: Callable[..., Any], first: Any, *others: Any) -> Any:
    """As mapped, of dicts, too."""
    if isinstance(first, dict):
        return {key: _structured(function, first[key], *(x[key] for x in others))
                for key in first}
    if isinstance(first, (list, tuple)):
        parts = [_structured(function, *items) for items in zip(first, *others)]
        return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)
    return function(first, *others)


def flat(structure: Any) -> list[Any]:
    """Returns the leaves of an element, of dicts by their keys' order."""
    if isinstance(structure, dict):
        return [leaf for key in structure for leaf in flat(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in flat(item)]
    return [structure]


class Dataset:
    """Elements: arrays, or tuples and dicts of them. Each pass makes them anew.

    `element` has the dtype and shape of each array, in an element's form.
    """

    def __init__(self, elements: _Elements, element: Any,
                 fed: Sequence[dict[str, Any]] = ()) -> None:
        self._elements = elements
        self._element = element
        # Of each source the arrays that were placeholders, by the placeholder's name.
        self._fed = fed

    @property
    def output_types(self) -> Any:
        return _structured(lambda spec: spec.dtype, self._element)

    @property
    def output_shapes(self) -> Any:
        return _structured(lambda spec: shapes.TensorShape(spec.dims), self._element)

    @staticmethod
    def from_tensor_slices(tensors: Any) -> Dataset:
        """The rows of arrays."""
        held = _Held(tensors)
        return Dataset(held.rows, held.element(True), [held.fed])

    @staticmethod
    def from_tensors(tensors: Any) -> Dataset:
        """One element."""
        held = _Held(tensors)
        return Dataset(lambda: iter([held.arrays()]), held.element(False), [held.fed])

    @staticmethod
    def from_generator(generator: Callable[..., Iterable[Any]], output_types: Any,
                       output_shapes: Any = None, args: Any = None) -> Dataset:
        """What a generator of Python yields."""
        unknown = _structured(lambda dtype: None, output_types)
        element = _structured(
            lambda dtype, shape: _Spec(_core.as_dtype(dtype), shapes.dims_of(shape)),
            output_types, unknown if output_shapes is None else output_shapes)

        def elements() -> Iterator[Any]:
            for made in generator(*(args or ())):
                yield _structured(lambda spec, x: np.asarray(x, spec.dtype.as_numpy_dtype),
                                  element, made)

        return Dataset(elements, element)

    @staticmethod
    def range(*args: int) -> Dataset:
        """Numbers, as Python's range."""
        return Dataset(lambda: iter([np.int64(i) for i in range(*args)]),
                       _Spec(_core.as_dtype("int64"), []))

    @staticmethod
    def zip(datasets: Any) -> Dataset:
        """Elements of several data sets side by side."""
        parts = flat(datasets)

        def elements() -> Iterator[Any]:
            for made in zip(*(part._elements() for part in parts)):
                rest = iter(made)
                yield _structured(lambda _: next(rest), datasets)

        fed = [held for part in parts for held in part._fed]
        return Dataset(elements, _structured(lambda part: part._element, datasets), fed)

    def _with(self, elements: _Elements, element: Any = None) -> Dataset:
        return Dataset(elements, self._element if element is None else element, self._fed)

    def shuffle(self, buffer_size: int, seed: int | None = None,
                reshuffle_each_iteration: bool = True) -> Dataset:
        """Draws the next element from so many."""
        generator = random.Random(seed)

        def elements() -> Iterator[Any]:
            waiting: list[Any] = []
            for made in self._elements():
                waiting.append(made)
                if len(waiting) >= buffer_size:
                    yield _drawn(waiting, generator)
            while waiting:
                yield _drawn(waiting, generator)

        return self._with(elements)

    def batch(self, batch_size: int, drop_remainder: bool = False) -> Dataset:
        """Several elements as one."""

        def elements() -> Iterator[Any]:
            source = self._elements()
            while part := list(itertools.islice(source, batch_size)):
                if len(part) < batch_size and drop_remainder:
                    return
                yield _structured(lambda *items: np.stack(items), *part)

        count = batch_size if drop_remainder else -1
        return self._with(elements, _structured(lambda spec: spec.batched(count), self._element))

    def repeat(self, count: int | None = None) -> Dataset:
        """All elements so many times; without a number for ever."""
        def elements() -> Iterator[Any]:
            for _ in itertools.repeat(None) if count in (None, -1) else range(count):
                yield from self._elements()

        return self._with(elements)

    def map(self, map_func: Callable[..., Any], num_parallel_calls: int | None = None) -> Dataset:
        """What a function of tensors makes of each element."""
        function = _Mapped(map_func, self._element)
        return self._with(lambda: map(function, self._elements()), function.element)

    def filter(self, predicate: Callable[..., Any]) -> Dataset:
        """The elements of which a function of tensors says true."""
        function = _Mapped(predicate, self._element)
        return self._with(lambda: (x for x in self._elements() if bool(function(x))))

    def take(self, count: int) -> Dataset:
        """The first elements."""
        return self._with(lambda: itertools.islice(
            self._elements(), None if count < 0 else count))

    def skip(self, count: int) -> Dataset:
        """All but the first elements."""
        return self._with(lambda: itertools.islice(self._elements(), count, None))

    def concatenate(self, dataset: Dataset) -> Dataset:
        """The elements of this one, then those of the other."""
        return self._with(lambda: itertools.chain(self._elements(), dataset._elements()))

    def prefetch(self, buffer_size: int) -> Dataset:
        """Returns the data set itself: elements are made when they are needed."""
        return self

    def cache(self, filename: str = "") -> Dataset:
        """Returns the data set itself."""
        return self

    def make_one_shot_iterator(self) -> IteratorOfDataset:
        """Returns an iterator of one pass."""
        made = IteratorOfDataset(self._element)
        made.start(self)
        return made

    def make_initializable_iterator(self, shared_name: str | None = None) -> IteratorOfDataset:
        """Returns an iterator whose passes its `initializer` begins."""
        made = IteratorOfDataset(self._element)
        made.initializer = made.make_initializer(self)
        return made


class _Spec:
    """The dtype and the shape of an array of each element."""

    def __init__(self, dtype: _core.DType, dims: list[int] | None) -> None:
        self.dtype, self.dims = dtype, dims

    def batched(self, count: int) -> _Spec:
        return _Spec(self.dtype, None if self.dims is None else [count, *self.dims])


class _Held:
    """Arrays, of which some are placeholders that an iterator's initializer is fed."""

    def __init__(self, tensors: Any) -> None:
        self.fed: dict[str, Any] = {}
        self._structure = _structured(self._array, tensors)

    def _array(self, x: Any) -> Any:
        if isinstance(x, _core.Tensor):
            self.fed[x.name] = None
            return _Fed(x)
        value = np.asarray(x)
        if not hasattr(x, "dtype") and value.dtype.kind in "fi":
            value = value.astype(np.float32 if value.dtype.kind == "f" else np.int32)
        return value

    def element(self, rows: bool) -> Any:
        def spec(x: Any) -> _Spec:
            dims = x.dims if isinstance(x, _Fed) else list(x.shape)
            dtype = x.dtype if isinstance(x, _Fed) else _core.as_dtype(x.dtype)
            return _Spec(dtype, dims[1:] if rows and dims is not None else dims)
        return _structured(spec, self._structure)

    def arrays(self) -> Any:
        return _structured(self._value, self._structure)

    def _value(self, x: Any) -> Any:
        if not isinstance(x, _Fed):
            return x
        if self.fed[x.name] is None:
            raise errors.FailedPreconditionError(
                None, None, f"the iterator's initializer was not fed {x.name}")
        return self.fed[x.name]

    def rows(self) -> Iterator[Any]:
        arrays = self.arrays()
        for i in range(len(flat(arrays)[0])):
            yield _structured(lambda array, i=i: array[i], arrays)


class _Fed:
    """A placeholder, without the graph."""

    def __init__(self, tensor: _core.Tensor) -> None:
        self.name, self.dtype, self.dims = tensor.name, tensor.dtype, tensor._dims


class _Mapped:
    """A function of tensors, in a graph of its own, as one of arrays."""

    def __init__(self, function: Callable[..., Any], element: Any) -> None:
        self._graph = _core.Graph()
        with self._graph.as_default():
            self._inputs = _structured(
                lambda spec: _core.placeholder(spec.dtype, spec.dims), element)
            several = isinstance(self._inputs, tuple) and not hasattr(self._inputs, "_fields")
            made = function(*self._inputs) if several else function(self._inputs)
            made = tuple(made) if isinstance(made, list) else made
            self._outputs = _structured(_core_tensor, made)
        self.element = _structured(lambda x: _Spec(x.dtype, x._dims), self._outputs)
        self._session: Any = None

    def __call__(self, element: Any) -> Any:
        from varscope.session import BaseSession
        if self._session is None:
            self._session = BaseSession(graph=self._graph)
        feeds = dict(zip(flat(self._inputs), flat(element)))
        return self._session.run(self._outputs, feeds)


def _core_tensor(x: Any) -> _core.Tensor:
    return _core._convert_to_tensor(x, None, None)


def _drawn(waiting: list[Any], generator: random.Random) -> Any:
    place = generator.randrange(len(waiting))
    waiting[place], waiting[-1] = waiting[-1], waiting[place]
    return waiting.pop()


class IteratorOfDataset:
    """Where a data set's next element comes from. A run that needs it takes it; OutOfRangeError
    when there is none."""

    def __init__(self, element: Any) -> None:
        self._element = element
        self._source: Iterator[Any] | None = None
        self.initializer: Any = None

    @staticmethod
    def from_structure(output_types: Any, output_shapes: Any = None) -> IteratorOfDataset:
        """Returns an iterator of any data set with such elements."""
        unknown = _structured(lambda dtype: None, output_types)
        return IteratorOfDataset(_structured(
            lambda dtype, shape: _Spec(_core.as_dtype(dtype), shapes.dims_of(shape)),
            output_types, unknown if output_shapes is None else output_shapes))

    def make_initializer(self, dataset: Dataset, name: str | None = None) -> Any:
        """Returns what begins a pass of the data set, when a session runs it."""
        return _Initializer(self, dataset)

    def start(self, dataset: Dataset) -> None:
        """Begins a pass."""
        self._source = dataset._elements()

    def get_next(self, name: str | None = None) -> Any:
        """Returns tensors: the next element of each run that needs one of them."""
        made = _structured(lambda spec: _core.placeholder(spec.dtype, spec.dims), self._element)
        _NextElement(self, flat(made))
        return made

    def take_next(self) -> list[Any]:
        """Returns the arrays of the next element."""
        if self._source is None:
            raise errors.FailedPreconditionError(
                None, None, "GetNext() failed because the iterator has not been initialized.")
        try:
            return flat(next(self._source))
        except StopIteration:
            raise errors.OutOfRangeError(None, None, "End of sequence") from None


class _NextElement(Feeder):
    def __init__(self, iterator: IteratorOfDataset, placeholders: list[_core.Tensor]) -> None:
        super().__init__(placeholders)
        self._iterator = iterator

    def next_values(self) -> list[Any]:
        return self._iterator.take_next()


class _Initializer(Derived):
    """Begins a pass, with the arrays that the run is fed for the data set's placeholders."""

    def __init__(self, iterator: IteratorOfDataset, dataset: Dataset) -> None:
        super().__init__("MakeIterator", [{name: name for name in held} for held in dataset._fed],
                         self._start)
        self._iterator, self._dataset = iterator, dataset

    def _start(self, fed: list[dict[str, Any]]) -> None:
        for held, values in zip(self._dataset._fed, fed):
            held.update(values)
        self._iterator.start(self._dataset)
