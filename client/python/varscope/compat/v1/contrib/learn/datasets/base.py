"""tf.contrib.learn.datasets.base."""

from typing import TYPE_CHECKING

from varscope.learning.datasets import (Dataset, Datasets, load_csv_with_header,
                                        load_csv_without_header, maybe_download)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "Dataset", "Datasets", "load_csv_with_header", "load_csv_without_header", "maybe_download"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
