"""tf.metrics."""

from typing import TYPE_CHECKING

from varscope.curves import auc
from varscope.metrics import (accuracy, false_negatives, false_positives, mean,
                              mean_absolute_error, mean_squared_error, precision, recall,
                              root_mean_squared_error, true_negatives, true_positives)
from varscope.more_metrics import (mean_cosine_distance, mean_iou, mean_per_class_accuracy,
                                   mean_relative_error, percentage_below, precision_at_k,
                                   recall_at_k)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "accuracy", "auc", "false_negatives", "false_positives", "mean", "mean_absolute_error",
    "mean_cosine_distance", "mean_iou", "mean_per_class_accuracy", "mean_relative_error",
    "mean_squared_error", "percentage_below", "precision", "precision_at_k", "recall",
    "recall_at_k", "root_mean_squared_error", "true_negatives", "true_positives"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
