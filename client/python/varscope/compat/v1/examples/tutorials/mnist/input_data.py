"""tensorflow.examples.tutorials.mnist.input_data."""

from typing import TYPE_CHECKING

from varscope.data.mnist import DataSet, Datasets, dense_to_one_hot, read_data_sets
from varscope.compat.v1._missing import missing_of

__all__ = [
    "DataSet", "Datasets", "dense_to_one_hot", "read_data_sets"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
