"""tf.contrib.opt."""

from typing import TYPE_CHECKING

from varscope.optimizers import AdamOptimizer, AdamWOptimizer
from varscope.compat.v1._missing import missing_of

LazyAdamOptimizer = AdamOptimizer

__all__ = [
    "AdamWOptimizer", "LazyAdamOptimizer"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
