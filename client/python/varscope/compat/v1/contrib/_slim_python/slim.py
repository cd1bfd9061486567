"""tf.contrib.slim.python.slim."""

from typing import TYPE_CHECKING

from varscope.compat.v1.contrib import _nets as nets
from varscope.compat.v1._missing import missing_of

__all__ = [
    "nets"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
