"""tf.contrib.slim.learning."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.layers.slim_training import clip_gradient_norms, create_train_op, train

__all__ = [
    "clip_gradient_norms", "create_train_op", "train"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
