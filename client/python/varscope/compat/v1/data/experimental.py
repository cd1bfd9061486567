"""tf.data.experimental."""

from typing import TYPE_CHECKING

from varscope.data.csv_files import CsvDataset, make_csv_dataset
from varscope.data.iterating import (get_output_classes, get_output_shapes,
                                     get_output_types)
from varscope.data.transformations import (
    AUTOTUNE, Counter, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, assert_cardinality,
    bucket_by_sequence_length, cardinality, choose_from_datasets, copy_to_device,
    enumerate_dataset, get_single_element, group_by_window, ignore_errors, map_and_batch,
    parallel_interleave, prefetch_to_device, sample_from_datasets, scan, shuffle_and_repeat,
    take_while, unbatch, unique)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "AUTOTUNE", "Counter", "CsvDataset", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY",
    "assert_cardinality", "bucket_by_sequence_length", "cardinality", "choose_from_datasets",
    "copy_to_device", "enumerate_dataset", "get_output_classes", "get_output_shapes",
    "get_output_types", "get_single_element", "group_by_window", "ignore_errors",
    "make_csv_dataset", "map_and_batch", "parallel_interleave", "prefetch_to_device",
    "sample_from_datasets", "scan", "shuffle_and_repeat", "take_while", "unbatch", "unique"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
