"""tensorflow.core."""

from typing import TYPE_CHECKING

from varscope.compat.v1.core import framework
from varscope.compat.v1._missing import missing_of

__all__ = [
    "framework"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
