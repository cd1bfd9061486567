"""tf.data.Dataset: elements that are made one after the other when a run needs them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from varscope import _core, errors, shapes
from varscope.derived import Derived
from varscope.feeders import Run, Source
from varscope.ops import convert_to_tensor
from varscope.readers.batches import padded, stacked
from varscope.readers.readers import fixed_records, lines_of, tf_records
from varscope.strings.ops import matching
from varscope.strings.tensors import (Constant, StringTensor, bytes_of, is_string, is_text, outputs,
                                      string, text_placeholder)
from varscope.scopes import refuse

_Elements = Callable[[], Iterator[Any]]


def _structured(function: Callable[..., Any], first: Any, *others: Any) -> Any:
    """Applies a function to the leaves of dicts and tuples. A list is a leaf: an array."""
    if isinstance(first, dict):
        return {key: _structured(function, first[key], *(x[key] for x in others))
                for key in first}
    if isinstance(first, tuple):
        parts = [_structured(function, *items) for items in zip(first, *others)]
        return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)
    return function(first, *others)


def flat(structure: Any) -> list[Any]:
    """Returns the leaves of an element, of dicts by their keys' order."""
    if isinstance(structure, dict):
        return [leaf for key in structure for leaf in flat(structure[key])]
    if isinstance(structure, tuple):
        return [leaf for item in structure for leaf in flat(item)]
    return [structure]


class Dataset:
    """Elements: arrays, or tuples and dicts of them. Each pass makes them anew.

    `element` has the dtype and shape of each array, in an element's form.
    """

    def __init__(self, elements: _Elements, element: Any,
                 fed: Sequence[_FedValues] = ()) -> None:
        self._elements = elements
        self._element = element
        # Of each source the arrays that were placeholders, by the placeholder's name.
        self._fed = fed

    @property
    def output_types(self) -> Any:
        return _structured(lambda spec: spec.dtype, self._element)

    @property
    def output_classes(self) -> Any:
        return _structured(lambda spec: _core.Tensor, self._element)

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
            lambda dtype, shape: _Spec(_dtype(dtype), shapes.dims_of(shape)),
            output_types, unknown if output_shapes is None else output_shapes)

        def elements() -> Iterator[Any]:
            for made in generator(*(args or ())):
                yield _structured(lambda spec, x: spec.array(x), element, made)

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
                yield _structured(lambda *items: stacked(items), *part)

        count = batch_size if drop_remainder else -1
        return self._with(elements, _structured(lambda spec: spec.batched(count), self._element))

    def padded_batch(self, batch_size: int, padded_shapes: Any = None,
                     padding_values: Any = None, drop_remainder: bool = False) -> Dataset:
        """Several elements as one, filled up with zeros, or empty strings, to the largest of them."""
        refuse("Dataset.padded_batch", padding_values=padding_values)

        def elements() -> Iterator[Any]:
            source = self._elements()
            while part := list(itertools.islice(source, batch_size)):
                if len(part) < batch_size and drop_remainder:
                    return
                yield _structured(lambda least, *items: padded(items, least.dims), least, *part)

        least = self._element if padded_shapes is None else padded_shapes
        least = _structured(lambda spec, dims: _least(spec, dims), self._element, _aligned(
            self._element, least))
        return self._with(elements, _structured(
            lambda spec: _Spec(spec.dtype, None if spec.dims is None else [-1] * (
                len(spec.dims) + 1)), self._element))

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

    def flat_map(self, map_func: Callable[..., Dataset]) -> Dataset:
        """The elements of the data set that a function makes of each element.

        The function gets constants, and is called for each element: it is to make no variables.
        """
        first = self._made_of(map_func, next(self._elements()))

        def elements() -> Iterator[Any]:
            for element in self._elements():
                yield from self._made_of(map_func, element)._elements()

        return self._with(elements, first._element)

    @staticmethod
    def _made_of(map_func: Callable[..., Dataset], element: Any) -> Dataset:
        with _core.Graph().as_default():
            made = _structured(_Known, element)
            several = isinstance(made, tuple) and not hasattr(made, "_fields")
            return map_func(*made) if several else map_func(made)

    def interleave(self, map_func: Callable[..., Dataset], cycle_length: int = 1,
                   block_length: int = 1, num_parallel_calls: int | None = None) -> Dataset:
        """As flat_map, from so many data sets in turns of so many elements."""
        first = self._made_of(map_func, next(self._elements()))

        def elements() -> Iterator[Any]:
            sources = self._elements()
            opened = [self._made_of(map_func, x)._elements()
                      for x in itertools.islice(sources, cycle_length)]
            while opened:
                for place, one in enumerate(list(opened)):
                    part = list(itertools.islice(one, block_length))
                    yield from part
                    if len(part) < block_length:
                        rest = next(sources, None)
                        opened[opened.index(one)] = None if rest is None else self._made_of(
                            map_func, rest)._elements()
                opened = [one for one in opened if one is not None]

        return self._with(elements, first._element)

    def apply(self, transformation_func: Callable[[Dataset], Dataset]) -> Dataset:
        """Returns what a function makes of the data set."""
        return transformation_func(self)

    @staticmethod
    def list_files(file_pattern: Any, shuffle: bool | None = None,
                   seed: int | None = None) -> Dataset:
        """The names of the files that match a pattern, or several."""
        patterns = _Held(file_pattern)
        files = Dataset(lambda: iter(matching(np.ravel(patterns.arrays()))), _Spec(string, []),
                        [patterns.fed])
        return files if shuffle is False else files.shuffle(1 << 20, seed)

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


def _dtype(dtype: Any) -> Any:
    return string if is_string(dtype) else _core.as_dtype(dtype)


class _Spec:
    """The dtype and the shape of an array of each element."""

    def __init__(self, dtype: _core.DType, dims: list[int] | None) -> None:
        self.dtype, self.dims = dtype, dims

    def array(self, x: Any) -> Any:
        return bytes_of(x) if is_string(self.dtype) else np.asarray(x, self.dtype.as_numpy_dtype)

    def placeholder(self) -> Any:
        if is_string(self.dtype):
            return text_placeholder(self.dims)
        return _core.placeholder(self.dtype, self.dims)

    def batched(self, count: int) -> _Spec:
        return _Spec(self.dtype, None if self.dims is None else [count, *self.dims])


class _FedValues(dict[str, Any]):
    """The arrays that an iterator's initializer is fed, by the placeholders' names."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: dict[str, Any] = {}  # what to fetch for each: a tensor would keep its graph

    def expect(self, placeholder: Any) -> None:
        name = placeholder.name
        self[name] = None
        self.parts[name] = placeholder if isinstance(placeholder, StringTensor) else name


class _Held:
    """Arrays, of which some are placeholders that an iterator's initializer is fed."""

    def __init__(self, tensors: Any) -> None:
        self.fed = _FedValues()
        self._structure = _structured(self._array, tensors)

    def _array(self, x: Any) -> Any:
        if isinstance(x, StringTensor) and isinstance(x.source, Constant):
            return x.source.text
        if isinstance(x, (_core.Tensor, StringTensor)):
            self.fed.expect(x)
            return _Fed(x)
        if is_text(x):
            return bytes_of(x)
        value = np.asarray(x)
        if not hasattr(x, "dtype") and value.dtype.kind in "fi":
            value = value.astype(np.float32 if value.dtype.kind == "f" else np.int32)
        return value

    def element(self, rows: bool) -> Any:
        def spec(x: Any) -> _Spec:
            dims = x.dims if isinstance(x, _Fed) else list(np.shape(x))
            if isinstance(x, bytes) or x.dtype == object:
                dtype: Any = string
            else:
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
            self._inputs = _structured(lambda spec: spec.placeholder(), element)
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


def _core_tensor(x: Any) -> Any:
    return convert_to_tensor(x)


class _Known(StringTensor):
    """A part of an element, for a function that makes a data set of it."""

    def __init__(self, value: Any) -> None:
        if not is_text(value):
            raise NotImplementedError("flat_map: varscope gives its function strings alone")
        super().__init__("args_0", list(np.shape(value)), Constant(value))


def _aligned(element: Any, given: Any) -> Any:
    """Shapes, or an element itself, in an element's form: the shapes are lists, too."""
    if isinstance(element, dict):
        return {key: _aligned(element[key], given[key]) for key in element}
    if isinstance(element, tuple):
        return tuple(_aligned(one, part) for one, part in zip(element, given))
    return _Shape(None if isinstance(given, _Spec) else shapes.dims_of(given))


class _Shape:
    """A shape that no function of structures takes apart."""

    def __init__(self, dims: list[int] | None) -> None:
        self.dims = dims


def _least(spec: _Spec, shape: _Shape) -> _Shape:
    """How large each dimension of an element is at least; not known: 0."""
    dims = spec.dims if shape.dims is None else shape.dims
    return _Shape([max(n, 0) for n in dims or []])


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
    def from_structure(output_types: Any, output_shapes: Any = None,
                       shared_name: str | None = None,
                       output_classes: Any = None) -> IteratorOfDataset:
        """Returns an iterator of any data set with such elements."""
        unknown = _structured(lambda dtype: None, output_types)
        return IteratorOfDataset(_structured(
            lambda dtype, shape: _Spec(_dtype(dtype), shapes.dims_of(shape)),
            output_types, unknown if output_shapes is None else output_shapes))

    def make_initializer(self, dataset: Dataset, name: str | None = None) -> Any:
        """Returns what begins a pass of the data set, when a session runs it."""
        return _Initializer(self, dataset)

    def start(self, dataset: Dataset) -> None:
        """Begins a pass."""
        self._source = dataset._elements()

    def get_next(self, name: str | None = None) -> Any:
        """Returns tensors: the next element of each run that needs one of them."""
        specs = [(spec.dtype, spec.dims) for spec in flat(self._element)]
        made = iter(outputs(_NextElement(self), specs, name or "IteratorGetNext"))
        return _structured(lambda _: next(made), self._element)

    def take_next(self) -> list[Any]:
        """Returns the arrays of the next element."""
        if self._source is None:
            raise errors.FailedPreconditionError(
                None, None, "GetNext() failed because the iterator has not been initialized.")
        try:
            return flat(next(self._source))
        except StopIteration:
            raise errors.OutOfRangeError(None, None, "End of sequence") from None


class _NextElement(Source):
    def __init__(self, iterator: IteratorOfDataset) -> None:
        self._iterator = iterator

    def take(self, run: Run) -> list[Any]:
        return self._iterator.take_next()


class _Initializer(Derived):
    """Begins a pass, with the arrays that the run is fed for the data set's placeholders."""

    def __init__(self, iterator: IteratorOfDataset, dataset: Dataset) -> None:
        super().__init__("MakeIterator", [held.parts for held in dataset._fed],
                         self._start)
        self._iterator, self._dataset = iterator, dataset

    def _start(self, fed: list[dict[str, Any]]) -> None:
        for held, values in zip(self._dataset._fed, fed):
            held.update(values)
        self._iterator.start(self._dataset)


def _files(filenames: Any, records: Callable[[bytes], Iterator[tuple[bytes, bytes]]]) -> Dataset:
    """The records of some files, one after the other."""
    names = _Held(filenames)

    def elements() -> Iterator[Any]:
        for path in np.ravel(np.asarray(names.arrays(), object)):
            for _, record in records(path):
                yield record

    return Dataset(elements, _Spec(string, []), [names.fed])


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


def batch_and_drop_remainder(batch_size: int) -> Callable[[Dataset], Dataset]:
    """Returns what Dataset.apply takes for batches that are all of this size."""
    return lambda dataset: dataset.batch(batch_size, drop_remainder=True)


def shuffle_and_repeat(buffer_size: int, count: int | None = None,
                       seed: int | None = None) -> Callable[[Dataset], Dataset]:
    """Returns what Dataset.apply takes to shuffle and to repeat."""
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)


def map_and_batch(map_func: Callable[..., Any], batch_size: int,
                  num_parallel_batches: int | None = None, drop_remainder: bool = False,
                  num_parallel_calls: int | None = None) -> Callable[[Dataset], Dataset]:
    """Returns what Dataset.apply takes to map and to make batches."""
    return lambda dataset: dataset.map(map_func).batch(batch_size, drop_remainder)
