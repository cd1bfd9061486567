"""tf.contrib.tensorboard."""

from typing import TYPE_CHECKING

from varscope.compat.v1.contrib.tensorboard import plugins
from varscope.compat.v1._missing import missing_of

__all__ = [
    "plugins"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
