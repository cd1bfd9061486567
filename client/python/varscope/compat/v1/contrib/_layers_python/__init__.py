"""tf.contrib.layers.python."""

from typing import TYPE_CHECKING

from varscope.compat.v1.contrib._layers_python import layers
from varscope.compat.v1._missing import missing_of

__all__ = ["layers"]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
