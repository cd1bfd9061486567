"""tensorflow.python.training."""

from typing import TYPE_CHECKING

from varscope.compat.v1.python.training import moving_averages
from varscope.compat.v1._missing import missing_of

__all__ = [
    "moving_averages"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
