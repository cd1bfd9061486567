"""tensorflow.python.layers."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.compat.v1.python.layers import core

__all__ = [
    "core"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
