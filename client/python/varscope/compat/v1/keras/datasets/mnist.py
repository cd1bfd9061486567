"""tf.keras.datasets.mnist."""

from typing import TYPE_CHECKING

from varscope.data.mnist import load_data
from varscope.compat.v1._missing import missing_of

__all__ = [
    "load_data"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
