"""tf.contrib.data: tf.data, as it was called first."""

from typing import TYPE_CHECKING

from varscope.data.csv_files import CsvDataset, make_csv_dataset
from varscope.data.dataset import Dataset
from varscope.data.files import FixedLengthRecordDataset, TextLineDataset, TFRecordDataset
from varscope.data.iterators import IteratorOfDataset as Iterator
from varscope.data.transformations import (
    AUTOTUNE, Counter, batch_and_drop_remainder, bucket_by_sequence_length, choose_from_datasets,
    enumerate_dataset, get_single_element, group_by_window, ignore_errors, map_and_batch,
    padded_batch_and_drop_remainder, parallel_interleave, prefetch_to_device, sample_from_datasets,
    scan, shuffle_and_repeat, unbatch, unique)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "AUTOTUNE", "Counter", "CsvDataset", "Dataset", "FixedLengthRecordDataset", "Iterator",
    "TFRecordDataset", "TextLineDataset", "batch_and_drop_remainder", "bucket_by_sequence_length",
    "choose_from_datasets", "enumerate_dataset", "get_single_element", "group_by_window",
    "ignore_errors", "make_csv_dataset", "map_and_batch", "padded_batch_and_drop_remainder",
    "parallel_interleave", "prefetch_to_device", "sample_from_datasets", "scan",
    "shuffle_and_repeat", "unbatch", "unique"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
