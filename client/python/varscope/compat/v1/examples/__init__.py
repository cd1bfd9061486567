"""tensorflow.examples."""

from typing import TYPE_CHECKING

from varscope.compat.v1.examples import tutorials
from varscope.compat.v1._missing import missing_of

__all__ = [
    "tutorials"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
