"""tensorflow.python.util."""

from typing import TYPE_CHECKING

from varscope.compat.v1 import compat
from varscope.compat.v1.contrib.framework import nest
from varscope.compat.v1._missing import missing_of

__all__ = [
    "compat", "nest"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
