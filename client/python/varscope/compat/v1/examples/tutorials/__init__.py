"""tensorflow.examples.tutorials."""

from typing import TYPE_CHECKING

from varscope.compat.v1.examples.tutorials import mnist
from varscope.compat.v1._missing import missing_of

__all__ = [
    "mnist"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
