"""tf.contrib.learn: words and data sets alone."""

from typing import TYPE_CHECKING

from varscope.compat.v1.contrib.learn import datasets, preprocessing, python
from varscope.learning.datasets import ModeKeys
from varscope.compat.v1._missing import missing_of

__all__ = [
    "ModeKeys", "datasets", "preprocessing", "python"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
