"""tf.metrics."""

from typing import TYPE_CHECKING

from varscope.metrics import accuracy, mean, mean_absolute_error, mean_squared_error, precision, recall
from varscope.compat.v1._missing import missing_of

__all__ = [
    "accuracy", "mean", "mean_absolute_error", "mean_squared_error", "precision", "recall"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
