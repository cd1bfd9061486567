"""tf.saved_model.tag_constants."""

from typing import TYPE_CHECKING

from varscope.saved_models.names import GPU, SERVING, TPU, TRAINING
from varscope.compat.v1._missing import missing_of

__all__ = [
    "GPU", "SERVING", "TPU", "TRAINING"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
