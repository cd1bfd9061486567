"""tf.contrib.metrics: tf.metrics by their older names, what was predicted first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core, curves, metrics, more_metrics
from varscope.ops import convert_to_tensor


_Metric = tuple[_core.Tensor, _core.Tensor]


def _turned(metric: Callable[..., _Metric]) -> Callable[..., _Metric]:
    """A metric of predictions and labels, in this order."""

    def streaming(predictions: Any, labels: Any, *args: Any, **keywords: Any) -> _Metric:
        return metric(labels, predictions, *args, **keywords)

    streaming.__name__ = streaming.__qualname__ = "streaming_" + metric.__name__
    streaming.__doc__ = metric.__doc__
    return streaming


streaming_accuracy = _turned(metrics.accuracy)
streaming_auc = _turned(curves.auc)
streaming_false_negatives = _turned(metrics.false_negatives)
streaming_false_positives = _turned(metrics.false_positives)
streaming_mean = metrics.mean
streaming_mean_absolute_error = _turned(metrics.mean_absolute_error)
streaming_mean_cosine_distance = _turned(more_metrics.mean_cosine_distance)
streaming_mean_iou = _turned(more_metrics.mean_iou)
streaming_mean_relative_error = _turned(more_metrics.mean_relative_error)
streaming_mean_squared_error = _turned(metrics.mean_squared_error)
streaming_percentage_less = more_metrics.percentage_below
streaming_precision = _turned(metrics.precision)
streaming_recall = _turned(metrics.recall)
streaming_root_mean_squared_error = _turned(metrics.root_mean_squared_error)
streaming_true_negatives = _turned(metrics.true_negatives)
streaming_true_positives = _turned(metrics.true_positives)


def accuracy(predictions: Any, labels: Any, weights: Any = None,
             name: str | None = None) -> _core.Tensor:
    """Returns the share of predictions that equal their labels, in this batch."""
    right = _core.cast(_core.equal(convert_to_tensor(predictions), convert_to_tensor(labels)),
                       "float32")
    if weights is None:
        return _core.reduce_mean(right)
    share = metrics.spread(weights, right)
    return _core.divide(_core.reduce_sum(right * share), _core.reduce_sum(share))


def aggregate_metrics(*value_update_tuples: Any) -> tuple[list[Any], list[Any]]:
    """Returns the values of metrics, and what updates them, as two lists."""
    values, updates = zip(*value_update_tuples)
    return list(values), list(updates)


def aggregate_metric_map(names_to_tuples: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the same by names, as two dicts."""
    return ({name: value for name, (value, _) in names_to_tuples.items()},
            {name: update for name, (_, update) in names_to_tuples.items()})
