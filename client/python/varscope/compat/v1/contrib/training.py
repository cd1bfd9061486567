"""tf.contrib.training."""

from typing import TYPE_CHECKING

from varscope.layers.hparams import HParams
from varscope.compat.v1._missing import missing_of

__all__ = [
    "HParams"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
