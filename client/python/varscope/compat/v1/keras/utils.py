"""tf.keras.utils."""

from typing import TYPE_CHECKING

from varscope.keras.utils import Sequence, normalize, plot_model, to_categorical
from varscope.compat.v1._missing import missing_of

__all__ = [
    "Sequence", "normalize", "plot_model", "to_categorical"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
