"""tf.metrics."""

from typing import TYPE_CHECKING

from varscope.curves import auc
from varscope.metrics import (accuracy, false_negatives, false_positives, mean,
                              mean_absolute_error, mean_squared_error, precision, recall,
                              root_mean_squared_error, true_negatives, true_positives)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "accuracy", "auc", "false_negatives", "false_positives", "mean", "mean_absolute_error",
    "mean_squared_error", "precision", "recall", "root_mean_squared_error", "true_negatives",
    "true_positives"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
