"""Data sets whose elements are data sets: Dataset.window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from varscope.data.dataset import Dataset
from varscope.data.elements import Spec, flat, structured


class _WindowSpec(Spec):
    """The form of a data set's elements, where it is an element."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec.dtype, spec.dims)

    @property
    def kind(self) -> Any:
        return Dataset


def windows_of(dataset: Dataset, size: int, shift: int, stride: int,
               drop_remainder: bool) -> Dataset:
    """Returns a data set of windows: one data set for each part of an element."""
    specs = flat(dataset._element)

    def elements() -> Iterator[Any]:
        waiting: list[Any] = []
        source = dataset._elements()
        ended, left = False, 0
        while True:
            while not ended and len(waiting) < (size - 1) * stride + 1 + left:
                try:
                    waiting.append(next(source))
                except StopIteration:
                    ended = True
            dropped = min(left, len(waiting))
            del waiting[:dropped]
            left -= dropped
            part = waiting[:(size - 1) * stride + 1:stride]
            if not part or left or (drop_remainder and len(part) < size):
                return
            columns = iter([_column(part, place, spec) for place, spec in enumerate(specs)])
            yield structured(lambda _: next(columns), dataset._element)  # noqa: B023
            left = shift

    return dataset._with(elements, structured(_WindowSpec, dataset._element))


def _column(rows: Sequence[Any], place: int, spec: Spec) -> Dataset:
    """One part of each of these elements."""
    return Dataset(lambda: iter([flat(row)[place] for row in rows]), spec)
