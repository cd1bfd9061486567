"""tf.contrib.data: tf.data, as it was called first."""

from typing import TYPE_CHECKING

from varscope.data.dataset import (Dataset, FixedLengthRecordDataset, TextLineDataset,
                                   TFRecordDataset, batch_and_drop_remainder, map_and_batch,
                                   shuffle_and_repeat)
from varscope.data.dataset import IteratorOfDataset as Iterator
from varscope.compat.v1._missing import missing_of

__all__ = [
    "Dataset", "FixedLengthRecordDataset", "Iterator", "TFRecordDataset", "TextLineDataset",
    "batch_and_drop_remainder", "map_and_batch", "shuffle_and_repeat"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
