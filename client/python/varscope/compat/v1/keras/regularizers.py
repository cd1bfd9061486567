"""tf.keras.regularizers."""

from typing import TYPE_CHECKING

from varscope.keras.choices import l1, l1_l2, l2
from varscope.keras.choices import regularizer as get
from varscope.compat.v1._missing import missing_of

L1L2 = l1_l2

__all__ = [
    "L1L2", "get", "l1", "l1_l2", "l2"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
