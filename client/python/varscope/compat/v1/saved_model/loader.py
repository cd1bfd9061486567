"""tf.saved_model.loader."""

from typing import TYPE_CHECKING

from varscope.saved_models.loader import load, maybe_saved_model_directory
from varscope.compat.v1._missing import missing_of

__all__ = [
    "load", "maybe_saved_model_directory"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
