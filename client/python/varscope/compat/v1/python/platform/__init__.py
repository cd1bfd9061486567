"""tensorflow.python.platform."""

from typing import TYPE_CHECKING

from varscope.compat.v1 import app, flags, gfile
from varscope.compat.v1._missing import missing_of

__all__ = [
    "app", "flags", "gfile"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
