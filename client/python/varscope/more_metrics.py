"""Metrics of angles, of parts and of classes: tf.metrics.mean_iou and the like."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core
from varscope.collections_ import GraphKeys
from varscope.largest import top_k
from varscope.metrics import _fitting, mean, result, spread
from varscope.ops import convert_to_tensor, expand_dims
from varscope.tallies import confusion_matrix
from varscope.rounding import div_no_nan
from varscope.scopes import variable_scope
from varscope.variable_class import Variable
from varscope.variables import assign_add

_FLOAT = _core.as_dtype("float32")
_Metric = tuple[_core.Tensor, _core.Tensor]


def mean_relative_error(labels: Any, predictions: Any, normalizer: Any, weights: Any = None,
                        metrics_collections: Any = None, updates_collections: Any = None,
                        name: str | None = None) -> _Metric:
    """The mean of |predictions - labels| / normalizer, and 0 where that is 0."""
    labels, predictions = _fitting(labels, predictions)
    error = _core.abs(_core.subtract(labels, predictions))
    return mean(div_no_nan(error, _core.cast(normalizer, error.dtype)), weights,
                metrics_collections, updates_collections, name or "mean_relative_error")


def mean_cosine_distance(labels: Any, predictions: Any, dim: int, weights: Any = None,
                         metrics_collections: Any = None, updates_collections: Any = None,
                         name: str | None = None) -> _Metric:
    """1 - the mean of the products of unit vectors along a dimension."""
    labels, predictions = _fitting(labels, predictions)
    products = _core.reduce_sum(_core.multiply(predictions, labels), [dim], True)
    value, update = mean(products, weights, None, None, name or "mean_cosine_distance")
    return result(_core.subtract(1.0, value), _core.subtract(1.0, update), metrics_collections,
                  updates_collections)


def percentage_below(values: Any, threshold: float, weights: Any = None,
                     metrics_collections: Any = None, updates_collections: Any = None,
                     name: str | None = None) -> _Metric:
    """The share of values below a number."""
    below = _core.cast(_core.less(convert_to_tensor(values), threshold), _FLOAT)
    return mean(below, weights, metrics_collections, updates_collections,
                name or "percentage_below_threshold")


def _confused(labels: Any, predictions: Any, num_classes: int,
              weights: Any) -> tuple[Any, Any]:
    """How often each class was taken for each, over all batches: the value, and what adds one."""
    kept = Variable(np.zeros([num_classes, num_classes], np.float64), trainable=False,
                    name="total_confusion_matrix",
                    collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES])
    flat = [_core.reshape(convert_to_tensor(x), [-1]) for x in (labels, predictions)]
    share = None if weights is None else _core.cast(
        _core.reshape(convert_to_tensor(weights), [-1]), "float64")
    now = _core.cast(confusion_matrix(*flat, num_classes, dtype="float64", weights=share),
                     "float64")
    return kept.value(), assign_add(kept, now)


def mean_iou(labels: Any, predictions: Any, num_classes: int, weights: Any = None,
             metrics_collections: Any = None, updates_collections: Any = None,
             name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """The mean over classes of the right ones among all that are, or were said to be, of the class;
    and what adds a batch, and returns how often each class was taken for each."""
    with variable_scope(name, "mean_iou", [predictions, labels, weights]):
        total, update = _confused(labels, predictions, num_classes, weights)
        right = _core.cast(_diagonal(total), _FLOAT)
        whole = _core.cast(_core.reduce_sum(total, 0) + _core.reduce_sum(total, 1), _FLOAT) - right
        there = _core.reduce_sum(_core.cast(_core.not_equal(whole, 0.0), _FLOAT))
        value = div_no_nan(_core.reduce_sum(div_no_nan(right, whole)), there, "mean_iou")
        return result(value, update, metrics_collections, updates_collections)


def _diagonal(matrix: Any) -> Any:
    from varscope.matrices import matrix_diag_part
    return matrix_diag_part(matrix)


def mean_per_class_accuracy(labels: Any, predictions: Any, num_classes: int, weights: Any = None,
                            metrics_collections: Any = None, updates_collections: Any = None,
                            name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """The mean over classes of the share of their examples that are right."""
    with variable_scope(name, "mean_accuracy", [predictions, labels, weights]):
        total, update = _confused(labels, predictions, num_classes, weights)

        def shares(matrix: Any) -> Any:
            return _core.cast(div_no_nan(_diagonal(matrix), _core.reduce_sum(matrix, 1)), _FLOAT)

        return result(_core.reduce_mean(shares(total), None, None, "mean_accuracy"),
                      shares(update), metrics_collections, updates_collections)


def _best(labels: Any, predictions: Any, k: int) -> Any:
    """Which of the k best classes are among the labels, [batch, k]."""
    _, best = top_k(predictions, k)
    labels = convert_to_tensor(labels)
    if len(labels.shape.as_list()) < len(best.shape.as_list()):
        labels = expand_dims(labels, -1)
    hits = _core.equal(expand_dims(_core.cast(best, labels.dtype), -1), expand_dims(labels, -2))
    return _core.reduce_max(_core.cast(hits, _FLOAT), -1), labels


def recall_at_k(labels: Any, predictions: Any, k: int, class_id: None = None, weights: Any = None,
                metrics_collections: Any = None, updates_collections: Any = None,
                name: str | None = None) -> _Metric:
    """The share of labels that are among the k best classes."""
    _all_classes("recall_at_k", class_id)
    found, labels = _best(labels, predictions, k)
    hits, count = _core.reduce_sum(found, -1), _core.cast(_core.ones_like(labels), _FLOAT)
    return _of_sums(hits, _core.reduce_sum(count, -1), weights, metrics_collections,
                    updates_collections, name or f"recall_at_{k}")


def precision_at_k(labels: Any, predictions: Any, k: int, class_id: None = None,
                   weights: Any = None, metrics_collections: Any = None,
                   updates_collections: Any = None, name: str | None = None) -> _Metric:
    """The share of the k best classes that are among the labels."""
    _all_classes("precision_at_k", class_id)
    found, _ = _best(labels, predictions, k)
    return _of_sums(_core.reduce_sum(found, -1), _core.reduce_sum(_core.ones_like(found), -1),
                    weights, metrics_collections, updates_collections, name or f"precision_at_{k}")


def _all_classes(function: str, class_id: Any) -> None:
    if class_id is not None:
        raise NotImplementedError(f"{function}: varscope has no 'class_id'")


def _of_sums(part: Any, whole: Any, weights: Any, metrics: Any, updates: Any, name: str) -> _Metric:
    with variable_scope(None, name):
        share = _core.ones_like(part) if weights is None else spread(weights, part)
        totals = [Variable(np.float32(0), trainable=False, name=key, collections=[
            GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES]) for key in ("part", "whole")]
        new = [assign_add(total, _core.reduce_sum(x * share))
               for total, x in zip(totals, (part, whole))]
        return result(div_no_nan(*[total.value() for total in totals]), div_no_nan(*new), metrics,
                      updates)
