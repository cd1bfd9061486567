"""tf.keras: data sets, and what fills up sequences."""

from typing import TYPE_CHECKING

from varscope.compat.v1.keras import datasets, preprocessing
from varscope.compat.v1._missing import missing_of

__all__ = [
    "datasets", "preprocessing"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
