"""tf.contrib.losses.metric_learning."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.metric_learning import contrastive_loss, triplet_semihard_loss

__all__ = [
    "contrastive_loss", "triplet_semihard_loss"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
