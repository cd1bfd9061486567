"""tf.data."""

from typing import TYPE_CHECKING

from varscope.data.dataset import Dataset
from varscope.data.files import FixedLengthRecordDataset, TextLineDataset, TFRecordDataset
from varscope.data.iterating import (get_output_classes, get_output_shapes, get_output_types,
                                     make_initializable_iterator, make_one_shot_iterator)
from varscope.data.iterators import IteratorOfDataset as Iterator
from varscope.data.transformations import (AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY,
                                           Options)
from varscope.compat.v1.data import experimental
from varscope.compat.v1._missing import missing_of

__all__ = [
    "AUTOTUNE", "Dataset", "FixedLengthRecordDataset", "INFINITE_CARDINALITY", "Iterator", "Options",
    "TFRecordDataset", "TextLineDataset", "UNKNOWN_CARDINALITY", "experimental",
    "get_output_classes", "get_output_shapes", "get_output_types", "make_initializable_iterator",
    "make_one_shot_iterator"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
