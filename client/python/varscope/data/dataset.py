"""tf.data.Dataset: elements that are made one after the other when a run needs them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from varscope import _core, shapes
from varscope.data.elements import Spec, aligned, dtype_of, flat, least, structured
from varscope.data.held import FedValues, Held, Number, settle
from varscope.data.iterators import IteratorOfDataset
from varscope.data.mapped import Mapped, called
from varscope.numbers_ import is_symbolic
from varscope.readers.batches import padded
from varscope.strings.ops import matching
from varscope.strings.tensors import Constant, StringTensor, is_text, string

_Elements = Callable[[], Iterator[Any]]


class Dataset:
    """Elements: arrays, or tuples and dicts of them. Each pass makes them anew.

    `element` has the dtype and shape of each array, in an element's form.
    """

    def __init__(self, elements: _Elements, element: Any,
                 fed: Sequence[FedValues] = ()) -> None:
        self._elements = elements
        self._element = element
        # Of each source the arrays that were placeholders, by the placeholder's name.
        self._fed = fed

    @property
    def output_types(self) -> Any:
        return structured(lambda spec: spec.dtype, self._element)

    @property
    def output_classes(self) -> Any:
        return structured(lambda spec: spec.kind, self._element)

    @property
    def output_shapes(self) -> Any:
        return structured(lambda spec: shapes.TensorShape(spec.dims), self._element)

    @staticmethod
    def from_tensor_slices(tensors: Any) -> Dataset:
        """The rows of arrays."""
        held = Held(tensors)
        held.check_rows()
        return Dataset(held.rows, held.element(True), [held.fed])

    @staticmethod
    def from_tensors(tensors: Any) -> Dataset:
        """One element."""
        held = Held(tensors)
        return Dataset(lambda: iter([held.arrays()]), held.element(False), [held.fed])

    @staticmethod
    def from_generator(generator: Callable[..., Iterable[Any]], output_types: Any,
                       output_shapes: Any = None, args: Any = None) -> Dataset:
        """What a generator of Python yields."""
        unknown = structured(lambda dtype: None, output_types)
        element = structured(
            lambda dtype, shape: Spec(dtype_of(dtype), shapes.dims_of(shape)),
            output_types, unknown if output_shapes is None else output_shapes)

        def elements() -> Iterator[Any]:
            for made in generator(*(args or ())):
                yield structured(lambda spec, x: spec.array(x), element, made)

        return Dataset(elements, element)

    @staticmethod
    def from_sparse_tensor_slices(sparse_tensor: Any) -> Dataset:
        """The rows of a sparse tensor."""
        return Dataset.from_tensor_slices(sparse_tensor)

    @staticmethod
    def range(*args: Any) -> Dataset:
        """Numbers, as Python's range."""
        ends = [Number(x) for x in args]
        return Dataset(lambda: iter(np.arange(*[end.value() for end in ends], dtype=np.int64)),
                       Spec(_core.as_dtype("int64"), []), [end.fed for end in ends])

    @staticmethod
    def zip(datasets: Any) -> Dataset:
        """Elements of several data sets side by side."""
        parts = flat(datasets)

        def elements() -> Iterator[Any]:
            for made in zip(*(part._elements() for part in parts)):
                rest = iter(made)
                yield structured(lambda _: next(rest), datasets)

        fed = [held for part in parts for held in part._fed]
        return Dataset(elements, structured(lambda part: part._element, datasets), fed)

    def _with(self, elements: _Elements, element: Any = None,
              *numbers: Number) -> Dataset:
        fed = [*self._fed, *(number.fed for number in numbers)]
        return Dataset(elements, self._element if element is None else element, fed)

    def shuffle(self, buffer_size: Any, seed: Any = None,
                reshuffle_each_iteration: bool | None = None, name: str | None = None) -> Dataset:
        """Draws the next element from so many; in other orders in each pass, unless told not to."""
        size, start = Number(buffer_size), Number(seed)
        kept: list[random.Random] = []

        def elements() -> Iterator[Any]:
            if not kept or reshuffle_each_iteration is False:
                kept[:] = [random.Random(start.value())]
            waiting: list[Any] = []
            for made in self._elements():
                waiting.append(made)
                if len(waiting) >= size.value():
                    yield _drawn(waiting, kept[0])
            while waiting:
                yield _drawn(waiting, kept[0])

        return self._with(elements, None, size, start)

    def batch(self, batch_size: Any, drop_remainder: bool = False,
              num_parallel_calls: Any = None, name: str | None = None) -> Dataset:
        """Several elements as one."""
        size = Number(batch_size)

        def elements() -> Iterator[Any]:
            source = self._elements()
            while part := list(itertools.islice(source, size.value())):
                if len(part) < size.value() and drop_remainder:
                    return
                yield structured(lambda spec, *items: spec.together(items), self._element, *part)

        count = batch_size if drop_remainder and not is_symbolic(batch_size) else -1
        return self._with(elements, structured(lambda spec: spec.batched(count), self._element),
                          size)

    def padded_batch(self, batch_size: Any, padded_shapes: Any = None,
                     padding_values: Any = None, drop_remainder: bool = False,
                     name: str | None = None) -> Dataset:
        """Several elements as one, filled up to the largest of them: with zeros, or empty strings,
        or these values."""
        size = Number(batch_size)

        def elements() -> Iterator[Any]:
            source = self._elements()
            while part := list(itertools.islice(source, size.value())):
                if len(part) < size.value() and drop_remainder:
                    return
                yield structured(lambda shape, fill, *items: padded(items, shape.dims, fill),
                                 smallest, filling, *part)

        wanted = self._element if padded_shapes is None else padded_shapes
        smallest = structured(least, self._element, aligned(self._element, wanted))
        filling = _fillings(self._element, padding_values)
        return self._with(elements, structured(
            lambda spec: Spec(spec.dtype, None if spec.dims is None else [-1] * (
                len(spec.dims) + 1)), self._element), size)

    def repeat(self, count: Any = None) -> Dataset:
        """All elements so many times; without a number for ever."""
        times = Number(count)

        def elements() -> Iterator[Any]:
            number = times.value()
            for _ in itertools.repeat(None) if number in (None, -1) else range(number):
                yield from self._elements()

        return self._with(elements, None, times)

    def map(self, map_func: Callable[..., Any], num_parallel_calls: Any = None,
            deterministic: bool | None = None) -> Dataset:
        """What a function of tensors makes of each element."""
        function = Mapped(map_func, self._element)
        return self._with(lambda: map(function, self._elements()), function.element)

    def filter(self, predicate: Callable[..., Any]) -> Dataset:
        """The elements of which a function of tensors says true."""
        function = Mapped(predicate, self._element)
        return self._with(lambda: (x for x in self._elements() if bool(function(x))))

    def take(self, count: Any) -> Dataset:
        """The first elements."""
        size = Number(count)
        return self._with(lambda: itertools.islice(
            self._elements(), None if size.value() < 0 else size.value()), None, size)

    def skip(self, count: Any) -> Dataset:
        """All but the first elements; no element, if count is -1."""
        size = Number(count)
        return self._with(lambda: itertools.islice(
            self._elements(), size.value(), None) if size.value() >= 0 else iter([]), None, size)

    def shard(self, num_shards: Any, index: Any) -> Dataset:
        """Each num_shards-th element, from `index` on."""
        count, first = Number(num_shards), Number(index)
        return self._with(lambda: itertools.islice(
            self._elements(), first.value(), None, count.value()), None, count, first)

    def enumerate(self, start: int = 0) -> Dataset:
        """Pairs of a number and an element."""
        return self._with(lambda: ((np.int64(number), x) for number, x in enumerate(
            self._elements(), start)), (Spec(_core.as_dtype("int64"), []), self._element))

    def window(self, size: int, shift: int | None = None, stride: int = 1,
               drop_remainder: bool = False) -> Dataset:
        """Data sets of `size` elements each, which begin `shift` elements apart."""
        from varscope.data.windows import windows_of
        return windows_of(self, size, size if shift is None else shift, stride, drop_remainder)

    def take_while(self, predicate: Callable[..., Any]) -> Dataset:
        """The elements before the first of which a function of tensors says false."""
        function = Mapped(predicate, self._element)
        return self._with(lambda: itertools.takewhile(
            lambda x: bool(function(x)), self._elements()))

    def unbatch(self) -> Dataset:
        """The elements of batches."""
        from varscope.data.transformations import unbatch
        return unbatch()(self)

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any]) -> Any:
        """Returns a tensor: what a function of the state and an element leaves at the end."""
        from varscope.data.transformations import reduced
        return reduced(self, initial_state, reduce_func)

    def options(self) -> Any:
        """Returns the options, which change nothing."""
        from varscope.data.transformations import Options
        return Options()

    def with_options(self, options: Any) -> Dataset:
        """Returns the data set itself: options say how fast TensorFlow is to be."""
        return self

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
        graph = _core.Graph()
        with graph.as_default():
            made = called(map_func, structured(_known, element))
            settle(made._fed, graph)
            return made

    def interleave(self, map_func: Callable[..., Dataset], cycle_length: int = 1,
                   block_length: int = 1, num_parallel_calls: Any = None,
                   deterministic: bool | None = None) -> Dataset:
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
        patterns = Held(file_pattern)
        files = Dataset(lambda: iter(matching(np.ravel(patterns.arrays()))), Spec(string, []),
                        [patterns.fed])
        return files if shuffle is False else files.shuffle(1 << 20, seed)

    def prefetch(self, buffer_size: Any) -> Dataset:
        """Returns the data set itself: elements are made when they are needed."""
        return self

    def cache(self, filename: str = "") -> Dataset:
        """Returns the data set itself."""
        return self

    def make_one_shot_iterator(self) -> IteratorOfDataset:
        """Returns an iterator of one pass."""
        settle(self._fed, _core.get_default_graph())
        made = IteratorOfDataset(self._element)
        made.start(self)
        return made

    def make_initializable_iterator(self, shared_name: str | None = None) -> IteratorOfDataset:
        """Returns an iterator whose passes its `initializer` begins."""
        made = IteratorOfDataset(self._element)
        made.initializer = made.make_initializer(self)
        return made


class _Known(StringTensor):
    """Text of an element, for a function that makes a data set of it."""

    def __init__(self, value: Any) -> None:
        super().__init__("args_0", list(np.shape(value)), Constant(value))


def _known(value: Any) -> Any:
    """A part of an element, for the same: a data set as it is, else what is always the same."""
    if isinstance(value, Dataset):
        return value
    return _Known(value) if is_text(value) else _core._constant(np.asarray(value), None, None)


def _fillings(element: Any, values: Any) -> Any:
    """What batches are filled with, in an element's form."""
    if values is None or not isinstance(values, (tuple, dict)):
        return structured(lambda spec: _filling(values), element)
    return structured(lambda spec, value: _filling(value), element, values)


def _filling(value: Any) -> Any:
    """What a constant of the graph is; anything else as it is."""
    if isinstance(value, (_core.Tensor, StringTensor)):
        return Held(value).arrays()
    return value


def _drawn(waiting: list[Any], generator: random.Random) -> Any:
    place = generator.randrange(len(waiting))
    waiting[place], waiting[-1] = waiting[-1], waiting[place]
    return waiting.pop()
