"""tf.contrib.tensorboard.plugins."""

from typing import TYPE_CHECKING

from varscope.compat.v1.contrib.tensorboard.plugins import projector
from varscope.compat.v1._missing import missing_of

__all__ = [
    "projector"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
