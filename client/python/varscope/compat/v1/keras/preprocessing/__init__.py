"""tf.keras.preprocessing."""

from typing import TYPE_CHECKING

from varscope.compat.v1.keras.preprocessing import sequence, text
from varscope.compat.v1._missing import missing_of

__all__ = [
    "sequence", "text"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
