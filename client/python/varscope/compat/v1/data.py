"""tf.data."""

from typing import TYPE_CHECKING

from varscope.data.dataset import (Dataset, FixedLengthRecordDataset, TextLineDataset,
                                   TFRecordDataset)
from varscope.data.dataset import IteratorOfDataset as Iterator

from varscope.compat.v1._missing import missing_of

__all__ = [
    "Dataset", "FixedLengthRecordDataset", "Iterator", "TFRecordDataset", "TextLineDataset"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
