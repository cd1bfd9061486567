"""tf.keras.models."""

from typing import TYPE_CHECKING

from varscope.keras.models import Model, Sequential
from varscope.compat.v1._missing import missing_of

__all__ = [
    "Model", "Sequential"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
