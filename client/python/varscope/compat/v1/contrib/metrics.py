"""tf.contrib.metrics."""

from typing import TYPE_CHECKING

from varscope.streaming import (
    accuracy, aggregate_metric_map, aggregate_metrics, streaming_accuracy, streaming_auc,
    streaming_false_negatives, streaming_false_positives, streaming_mean,
    streaming_mean_absolute_error, streaming_mean_cosine_distance, streaming_mean_iou,
    streaming_mean_relative_error, streaming_mean_squared_error, streaming_percentage_less,
    streaming_precision, streaming_recall, streaming_root_mean_squared_error,
    streaming_true_negatives, streaming_true_positives)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "accuracy", "aggregate_metric_map", "aggregate_metrics", "streaming_accuracy",
    "streaming_auc", "streaming_false_negatives", "streaming_false_positives", "streaming_mean",
    "streaming_mean_absolute_error", "streaming_mean_cosine_distance", "streaming_mean_iou",
    "streaming_mean_relative_error", "streaming_mean_squared_error",
    "streaming_percentage_less", "streaming_precision", "streaming_recall",
    "streaming_root_mean_squared_error", "streaming_true_negatives", "streaming_true_positives"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
