"""tf.saved_model.builder."""

from typing import TYPE_CHECKING

from varscope.saved_models.builder import SavedModelBuilder
from varscope.compat.v1._missing import missing_of

__all__ = [
    "SavedModelBuilder"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
