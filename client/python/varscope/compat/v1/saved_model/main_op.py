"""tf.saved_model.main_op."""

from typing import TYPE_CHECKING

from varscope.saved_models.main_ops import main_op
from varscope.compat.v1._missing import missing_of

__all__ = [
    "main_op"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
