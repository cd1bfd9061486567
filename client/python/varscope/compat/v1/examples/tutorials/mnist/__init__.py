"""tensorflow.examples.tutorials.mnist."""

from typing import TYPE_CHECKING

from varscope.compat.v1.examples.tutorials.mnist import input_data
from varscope.compat.v1._missing import missing_of

__all__ = [
    "input_data"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
