"""tf.keras.constraints."""

from typing import TYPE_CHECKING

from varscope.keras.choices import max_norm, non_neg, unit_norm
from varscope.keras.choices import constraint as get
from varscope.compat.v1._missing import missing_of

MaxNorm = max_norm
NonNeg = non_neg
UnitNorm = unit_norm

__all__ = [
    "MaxNorm", "NonNeg", "UnitNorm", "get", "max_norm", "non_neg", "unit_norm"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
