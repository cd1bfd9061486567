"""tf.data."""

from typing import TYPE_CHECKING

from varscope.data.dataset import Dataset
from varscope.data.dataset import IteratorOfDataset as Iterator

from varscope.compat.v1._missing import missing_of

__all__ = [
    "Dataset", "Iterator"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
