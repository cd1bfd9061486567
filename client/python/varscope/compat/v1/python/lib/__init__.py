"""tensorflow.python.lib."""

from typing import TYPE_CHECKING

from varscope.compat.v1.python.lib import io
from varscope.compat.v1._missing import missing_of

__all__ = [
    "io"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
