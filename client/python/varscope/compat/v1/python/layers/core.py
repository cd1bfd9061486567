"""tensorflow.python.layers.core."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.compat.v1.layers import Dense, dense, dropout, flatten

__all__ = [
    "Dense", "dense", "dropout", "flatten"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
