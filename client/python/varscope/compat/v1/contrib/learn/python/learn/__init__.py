"""tf.contrib.learn.python.learn."""

from typing import TYPE_CHECKING

from varscope.compat.v1.contrib.learn import datasets
from varscope.compat.v1._missing import missing_of

__all__ = [
    "datasets"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
