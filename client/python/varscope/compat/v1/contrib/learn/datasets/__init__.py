"""tf.contrib.learn.datasets."""

from typing import TYPE_CHECKING

from varscope.compat.v1.contrib.learn.datasets import base
from varscope.compat.v1.examples.tutorials.mnist import input_data as mnist
from varscope.compat.v1._missing import missing_of

__all__ = [
    "base", "mnist"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
