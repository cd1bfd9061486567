"""tf.random: numbers that each run draws anew."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.ops import random_normal as normal
from varscope.ops import random_uniform as uniform

__all__ = [
    "normal", "uniform"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
