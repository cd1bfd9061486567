"""What Dataset.apply takes, tf.data.experimental's and tf.contrib.data's."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from varscope import _core
from varscope.data.dataset import Dataset
from varscope.data.elements import Spec, flat, structured
from varscope.data.held import Held
from varscope.data.mapped import Mapped
from varscope.strings.tensors import Computed, outputs

_Change = Callable[[Dataset], Dataset]
_INT64 = _core.as_dtype("int64")

AUTOTUNE = -1
INFINITE_CARDINALITY, UNKNOWN_CARDINALITY = -1, -2


class Options:
    """Options of data sets: anything may be set, and changes nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = Options()
        object.__setattr__(self, name, value)
        return value


def batch_and_drop_remainder(batch_size: Any) -> _Change:
    """For batches that are all of this size."""
    return lambda dataset: dataset.batch(batch_size, drop_remainder=True)


def shuffle_and_repeat(buffer_size: Any, count: Any = None, seed: Any = None) -> _Change:
    """To shuffle and to repeat."""
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)


def map_and_batch(map_func: Callable[..., Any], batch_size: Any,
                  num_parallel_batches: Any = None, drop_remainder: bool = False,
                  num_parallel_calls: Any = None) -> _Change:
    """To map and to make batches."""
    return lambda dataset: dataset.map(map_func).batch(batch_size, drop_remainder)


def parallel_interleave(map_func: Callable[..., Dataset], cycle_length: int, block_length: int = 1,
                        sloppy: bool = False, buffer_output_elements: Any = None,
                        prefetch_input_elements: Any = None) -> _Change:
    """To interleave."""
    return lambda dataset: dataset.interleave(map_func, cycle_length, block_length)


def padded_batch_and_drop_remainder(batch_size: Any, padded_shapes: Any,
                                    padding_values: Any = None) -> _Change:
    """For padded batches that are all of this size."""
    return lambda dataset: dataset.padded_batch(batch_size, padded_shapes, padding_values, True)


def enumerate_dataset(start: int = 0) -> _Change:
    """To number the elements."""
    return lambda dataset: dataset.enumerate(start)


def take_while(predicate: Callable[..., Any]) -> _Change:
    """To stop before an element."""
    return lambda dataset: dataset.take_while(predicate)


def _itself(*_: Any, **__: Any) -> _Change:
    """For what says where, or how fast, elements are made."""
    return lambda dataset: dataset


prefetch_to_device = copy_to_device = assert_cardinality = _itself


def ignore_errors(log_warning: bool = False) -> _Change:
    """To leave out elements whose making raises an error."""
    from varscope.errors import OpError

    class Skipping:
        """An iterator that goes on after an error: `map` does, generators do not."""

        def __init__(self, source: Iterator[Any]) -> None:
            self._source = source

        def __iter__(self) -> Skipping:
            return self

        def __next__(self) -> Any:
            while True:
                try:
                    return next(self._source)
                except OpError:
                    continue

    return lambda dataset: dataset._with(lambda: Skipping(dataset._elements()))


def unbatch() -> _Change:
    """To take batches apart."""

    def change(dataset: Dataset) -> Dataset:
        specs = flat(dataset._element)

        def elements() -> Iterator[Any]:
            for batch in dataset._elements():
                rows = [spec.rows(array) for spec, array in zip(specs, flat(batch))]
                for row in zip(*rows):
                    left = iter(row)
                    yield structured(lambda _: next(left), dataset._element)  # noqa: B023

        return dataset._with(elements, structured(
            lambda spec: type(spec)(spec.dtype, None if spec.dims is None else spec.dims[1:]),
            dataset._element))

    return change


def unique() -> _Change:
    """To leave out elements that were there."""

    def change(dataset: Dataset) -> Dataset:
        def elements() -> Iterator[Any]:
            seen = set()
            for element in dataset._elements():
                key = tuple(np.asarray(x).tobytes() if not isinstance(x, bytes) else x
                            for x in flat(element))
                if key not in seen:
                    seen.add(key)
                    yield element

        return dataset._with(elements)

    return change


def scan(initial_state: Any, scan_func: Callable[..., Any]) -> _Change:
    """To map by a function of a state and an element, which returns the next state, too."""

    def change(dataset: Dataset) -> Dataset:
        held = Held(initial_state)
        function = Mapped(lambda state, x: scan_func(state, x),
                          (held.element(False), dataset._element))

        def elements() -> Iterator[Any]:
            state = held.arrays()
            for element in dataset._elements():
                state, made = function((state, element))
                yield made

        return dataset._with(elements, function.element[1])

    return change


def reduced(dataset: Dataset, initial_state: Any, reduce_func: Callable[..., Any]) -> Any:
    """Returns tensors: the state that a function of it and an element leaves at the end."""
    held = Held(initial_state)
    function = Mapped(lambda state, x: reduce_func(state, x),
                      (held.element(False), dataset._element))

    def compute() -> list[Any]:
        state = held.arrays()
        for element in dataset._elements():
            state = function((state, element))
        return flat(state)

    specs = [part for spec in flat(held.element(False)) for part in spec.parts()]
    made = iter(outputs(Computed(compute, []), specs, "ReduceDataset"))
    return structured(lambda _: next(made), held.element(False))


def group_by_window(key_func: Callable[..., Any],
                    reduce_func: Callable[[Any, Dataset], Dataset],
                    window_size: int | None = None,
                    window_size_func: Callable[[Any], Any] | None = None) -> _Change:
    """To make a data set of each window_size elements of the same key."""

    def change(dataset: Dataset) -> Dataset:
        key_of = Mapped(key_func, dataset._element)
        size_of = None if window_size_func is None else Mapped(window_size_func,
                                                              Spec(_INT64, []))

        def made(key: Any, window: list[Any]) -> Dataset:
            own = Dataset(lambda: iter(window), dataset._element)
            return Dataset._made_of(lambda k: reduce_func(k, own), key)

        def elements() -> Iterator[Any]:
            windows: dict[int, list[Any]] = {}
            for element in dataset._elements():
                key = np.int64(key_of(element))
                window = windows.setdefault(int(key), [])
                window.append(element)
                if len(window) >= (window_size if size_of is None else int(size_of(key))):
                    yield from made(key, windows.pop(int(key)))._elements()
            for number in sorted(windows):
                yield from made(np.int64(number), windows[number])._elements()

        return dataset._with(elements, made(np.int64(0), [])._element)

    return change


def bucket_by_sequence_length(element_length_func: Callable[..., Any],
                              bucket_boundaries: Sequence[int], bucket_batch_sizes: Sequence[int],
                              padded_shapes: Any = None, padding_values: Any = None,
                              pad_to_bucket_boundary: bool = False,
                              no_padding: bool = False,
                              drop_remainder: bool = False) -> _Change:
    """To make padded batches of elements that are about as long."""
    if pad_to_bucket_boundary or len(bucket_batch_sizes) != len(bucket_boundaries) + 1:
        raise ValueError("bucket_by_sequence_length: there is one batch size more than boundaries, "
                         "and varscope does not pad to them")

    def bucket(*element: Any) -> Any:
        length = _core.cast(element_length_func(*element), "int64")
        over = _core.greater_equal(length, np.asarray(bucket_boundaries, np.int64))
        return _core.reduce_sum(_core.cast(over, "int64"))

    def batch(key: Any, window: Dataset) -> Dataset:
        size = _size(key)
        if no_padding:
            return window.batch(size, drop_remainder)
        return window.padded_batch(size, padded_shapes, padding_values, drop_remainder)

    def _size(key: Any) -> int:
        return bucket_batch_sizes[int(_core._describe_op(key.op)["attributes"]["value"])]

    def size(key: Any) -> Any:
        return _core._gather(np.asarray(bucket_batch_sizes, np.int64), key, None)

    return group_by_window(bucket, batch, window_size_func=size)


def sample_from_datasets(datasets: Sequence[Dataset], weights: Any = None,
                         seed: int | None = None) -> Dataset:
    """Returns the elements of several data sets, of which a draw says whose is next."""

    def elements() -> Iterator[Any]:
        generator = random.Random(seed)
        shares = [1.0] * len(datasets) if weights is None else [float(x) for x in weights]
        left = [(one._elements(), share) for one, share in zip(datasets, shares)]
        while left:
            place = generator.choices(range(len(left)), [share for _, share in left])[0]
            try:
                yield next(left[place][0])
            except StopIteration:
                del left[place]

    return Dataset(elements, datasets[0]._element, [x for one in datasets for x in one._fed])


def choose_from_datasets(datasets: Sequence[Dataset], choice_dataset: Dataset) -> Dataset:
    """Returns the elements of several data sets, of which another one says whose is next."""

    def elements() -> Iterator[Any]:
        sources = [one._elements() for one in datasets]
        for choice in choice_dataset._elements():
            yield from itertools.islice(sources[int(choice)], 1)

    fed = [x for one in (*datasets, choice_dataset) for x in one._fed]
    return Dataset(elements, datasets[0]._element, fed)


def Counter(start: int = 0, step: int = 1, dtype: Any = _INT64) -> Dataset:
    """Returns numbers that do not end."""
    kind = _core.as_dtype(dtype).as_numpy_dtype
    return Dataset(lambda: (kind(n) for n in itertools.count(start, step)),
                   Spec(_core.as_dtype(dtype), []))


def get_single_element(dataset: Dataset) -> Any:
    """Returns the tensors of the only element."""

    def compute() -> list[Any]:
        from varscope.errors import InvalidArgumentError
        made = list(itertools.islice(dataset._elements(), 2))
        if len(made) != 1:
            raise InvalidArgumentError(None, None, "Dataset " + (
                "was empty." if not made else "had more than one element."))
        return flat(made[0])

    specs = [part for spec in flat(dataset._element) for part in spec.parts()]
    made = iter(outputs(Computed(compute, []), specs, "DatasetToSingleElement"))
    return structured(lambda spec: spec.joined([next(made) for _ in spec.parts()]),
                      dataset._element)


def cardinality(dataset: Dataset) -> Any:
    """Returns how many elements there are: the program counts them."""
    return outputs(Computed(lambda: [np.int64(sum(1 for _ in dataset._elements()))], []),
                   [(_INT64, [])], "Cardinality")[0]
