"""What fit(), evaluate() and predict() are given, as arrays, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from varscope import errors
from varscope.data.dataset import Dataset


def arrays_of(given: Any, names: Sequence[str], what: str) -> list[np.ndarray]:
    """Returns an array for each of a model's inputs or outputs. ValueError for another number."""
    if given is None:
        return []
    if isinstance(given, dict):
        missing = [name for name in names if name not in given]
        if missing:
            raise ValueError(f"No data provided for \"{missing[0]}\". Need data for each key in: "
                             f"{list(names)}")
        found = [given[name] for name in names]
    elif len(names) == 1 and not (isinstance(given, (list, tuple)) and len(given) == 1
                                  and np.ndim(given[0]) > 0):
        found = [given]
    elif isinstance(given, (list, tuple)):
        found = list(given)
    else:
        found = [given]
    if len(found) != len(names):
        raise ValueError(f"The model has {len(names)} {what}s, {list(names)}, but "
                         f"{len(found)} arrays were given")
    return [_array(x) for x in found]


def _array(x: Any) -> np.ndarray:
    made = np.asarray(x.values if hasattr(x, "values") and hasattr(x, "columns") else x)
    return made.astype(np.float32) if made.dtype == np.float64 else made


def count_of(arrays: Sequence[np.ndarray]) -> int:
    """Returns how many examples there are. ValueError when arrays have not as many."""
    counts = {len(x) for x in arrays}
    if len(counts) > 1:
        raise ValueError("All input arrays should have the same number of samples. Got array "
                         f"shapes: {[x.shape for x in arrays]}")
    return counts.pop() if counts else 0


def slices(count: int, size: int, shuffle: bool) -> Iterator[np.ndarray]:
    """Gives the numbers of the examples of each batch."""
    order = np.arange(count)
    if shuffle:
        np.random.shuffle(order)
    for start in range(0, count, size):
        yield order[start:start + size]


def of_dataset(data: Any, steps: int | None) -> Iterator[Any]:
    """Gives the batches of a data set, or of an iterator's get_next()."""
    from varscope.keras.backend import get_session
    session = get_session()
    with session.graph.as_default():
        iterator = data
        if isinstance(data, Dataset):
            iterator = data.make_initializable_iterator()
            session.run(iterator.initializer)
        element = iterator.get_next()
    given = 0
    while steps is None or given < steps:
        try:
            yield session.run(element)
        except errors.OutOfRangeError:
            return
        given += 1


def is_dataset(x: Any) -> bool:
    """Whether it is a data set, or an iterator of one."""
    return isinstance(x, Dataset) or hasattr(x, "get_next")


def of_generator(data: Any, steps: int) -> Iterator[Any]:
    """Gives so many batches of a generator or of a keras.utils.Sequence."""
    if hasattr(data, "__getitem__"):
        for number in range(steps):
            yield data[number % len(data)]
        return
    for _ in range(steps):
        yield next(data)


def parts_of(batch: Any) -> tuple[Any, Any, Any]:
    """Returns the inputs, the targets and the weights of a batch."""
    if isinstance(batch, (list, tuple)) and len(batch) in (2, 3):
        return batch[0], batch[1], batch[2] if len(batch) == 3 else None
    return batch, None, None
