"""Functions of data sets and iterators that TensorFlow 1.15 has beside their methods."""

from __future__ import annotations

from typing import Any

from varscope.data.dataset import Dataset
from varscope.data.iterators import IteratorOfDataset


def make_one_shot_iterator(dataset: Dataset) -> IteratorOfDataset:
    """Returns an iterator of one pass."""
    return dataset.make_one_shot_iterator()


def make_initializable_iterator(dataset: Dataset,
                                shared_name: str | None = None) -> IteratorOfDataset:
    """Returns an iterator whose passes its `initializer` begins."""
    return dataset.make_initializable_iterator(shared_name)


def get_output_types(dataset_or_iterator: Any) -> Any:
    """Returns the dtype of each part of an element."""
    return dataset_or_iterator.output_types


def get_output_shapes(dataset_or_iterator: Any) -> Any:
    """Returns the shape of each part of an element."""
    return dataset_or_iterator.output_shapes


def get_output_classes(dataset_or_iterator: Any) -> Any:
    """Returns the class of each part of an element."""
    return dataset_or_iterator.output_classes
