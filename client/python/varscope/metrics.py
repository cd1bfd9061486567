"""tf.metrics: figures over all batches of a run, in local variables."""

from __future__ import annotations

from typing import Any

from varscope import _core, weights as weights_lib
from varscope.collections_ import GraphKeys, add_to_collection
from varscope.ops import convert_to_tensor
from varscope.scopes import variable_scope
from varscope.selecting import quotient_or_zero
from varscope.variable_class import Variable
from varscope.variables import assign_add

_FLOAT = _core.as_dtype("float32")


def _local(name: str) -> _core.Variable:
    """A number that local_variables_initializer sets to 0."""
    return Variable(_core.zeros([], _FLOAT), trainable=False, name=name,
                    collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES])


def result(value: _core.Tensor, update: _core.Tensor, metrics: Any,
           updates: Any) -> tuple[_core.Tensor, _core.Tensor]:
    """Returns both, which are in these collections from then on."""
    for key in metrics or []:
        add_to_collection(key, value)
    for key in updates or []:
        add_to_collection(key, update)
    return value, update


def mean(values: Any, weights: Any = None, metrics_collections: Any = None,
         updates_collections: Any = None,
         name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """Returns the mean of all values so far, and what adds a batch and returns it."""
    with variable_scope(name, "mean", [values, weights]):
        values = _core.cast(convert_to_tensor(values), _FLOAT)
        if weights is None:
            return _ratio(_core.reduce_sum(values), _core.cast(_core.size(values), _FLOAT),
                          metrics_collections, updates_collections)
        share = spread(weights, values)
        return _ratio(_core.reduce_sum(values * share), _core.reduce_sum(share),
                      metrics_collections, updates_collections)


def spread(weights: Any, values: _core.Tensor) -> _core.Tensor:
    """Returns one weight for each of the values."""
    share = _core.cast(convert_to_tensor(weights), _FLOAT)
    return weights_lib.broadcast(weights_lib.squeezed_weights(share, values), values)


def _fitting(labels: Any, predictions: Any, dtype: Any = None) -> tuple[Any, Any]:
    """Both as tensors of one shape, and of one dtype."""
    labels, predictions = convert_to_tensor(labels), convert_to_tensor(predictions)
    if dtype is not None:
        labels, predictions = _core.cast(labels, dtype), _core.cast(predictions, dtype)
    labels, predictions = weights_lib.squeezed_pair(labels, predictions)
    weights_lib.check_same_shape(predictions, labels)
    return labels, predictions


def _ratio(part: Any, whole: Any, metrics: Any,
           updates: Any) -> tuple[_core.Tensor, _core.Tensor]:
    """The quotient of two sums over all batches."""
    total, count = _local("total"), _local("count")
    new_total, new_count = assign_add(total, part), assign_add(count, whole)
    return result(quotient_or_zero(total.value(), count.value(), "value"),
                   quotient_or_zero(new_total, new_count, "update_op"), metrics, updates)


def accuracy(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
             updates_collections: Any = None,
             name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """The share of predictions that equal their labels."""
    labels, predictions = _fitting(labels, predictions)
    if predictions.dtype != labels.dtype:
        predictions = _core.cast(predictions, labels.dtype)
    right = _core.cast(_core.equal(predictions, labels), _FLOAT)
    return mean(right, weights, metrics_collections, updates_collections, name or "accuracy")


def mean_squared_error(labels: Any, predictions: Any, weights: Any = None,
                       metrics_collections: Any = None, updates_collections: Any = None,
                       name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """The mean of (predictions - labels)^2."""
    labels, predictions = _fitting(labels, predictions)
    return mean(_core.squared_difference(predictions, labels), weights, metrics_collections,
                updates_collections, name or "mean_squared_error")


def mean_absolute_error(labels: Any, predictions: Any, weights: Any = None,
                        metrics_collections: Any = None, updates_collections: Any = None,
                        name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """The mean of |predictions - labels|."""
    labels, predictions = _fitting(labels, predictions)
    return mean(_core.abs(_core.subtract(predictions, labels)), weights, metrics_collections,
                updates_collections, name or "mean_absolute_error")


def _share_of(labels: Any, predictions: Any, of_labels: bool, weights: Any, metrics: Any,
              updates: Any) -> tuple[_core.Tensor, _core.Tensor]:
    """The share of true predictions, or of true labels, where both are true."""
    labels, predictions = _fitting(labels, predictions, "bool")
    both = _core.cast(_core.logical_and(labels, predictions), _FLOAT)
    whole = _core.cast(labels if of_labels else predictions, _FLOAT)
    if weights is not None:
        share = spread(weights, both)
        both, whole = both * share, whole * share
    return _ratio(_core.reduce_sum(both), _core.reduce_sum(whole), metrics, updates)


def precision(labels: Any, predictions: Any, weights: Any = None,
              metrics_collections: Any = None, updates_collections: Any = None,
              name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """The share of true predictions whose labels are true."""
    with variable_scope(name, "precision", [labels, predictions, weights]):
        return _share_of(labels, predictions, False, weights, metrics_collections,
                         updates_collections)


def recall(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
           updates_collections: Any = None,
           name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """The share of true labels whose predictions are true."""
    with variable_scope(name, "recall", [labels, predictions, weights]):
        return _share_of(labels, predictions, True, weights, metrics_collections,
                         updates_collections)


def root_mean_squared_error(labels: Any, predictions: Any, weights: Any = None,
                            metrics_collections: Any = None, updates_collections: Any = None,
                            name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """The root of the mean of (predictions - labels)^2."""
    value, update = mean_squared_error(labels, predictions, weights, None, None,
                                       name or "root_mean_squared_error")
    return result(_core.sqrt(value), _core.sqrt(update), metrics_collections,
                   updates_collections)


def _counted(name: str | None, default: str, labels: Any, predictions: Any, weights: Any,
             of_label: bool, of_prediction: bool, metrics: Any,
             updates: Any) -> tuple[_core.Tensor, _core.Tensor]:
    """How many pairs of truths are these."""
    with variable_scope(name, default, [labels, predictions, weights]):
        labels, predictions = _fitting(labels, predictions, "bool")
        both = _core.logical_and(labels if of_label else _core.logical_not(labels),
                                 predictions if of_prediction else _core.logical_not(predictions))
        found = _core.cast(both, _FLOAT)
        if weights is not None:
            found = found * spread(weights, found)
        count = _local("count")
        update = assign_add(count, _core.reduce_sum(found))
        return result(count.value(), update, metrics, updates)


def true_positives(labels: Any, predictions: Any, weights: Any = None,
                   metrics_collections: Any = None, updates_collections: Any = None,
                   name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """How many labels and predictions are both true."""
    return _counted(name, "true_positives", labels, predictions, weights, True, True,
                    metrics_collections, updates_collections)


def true_negatives(labels: Any, predictions: Any, weights: Any = None,
                   metrics_collections: Any = None, updates_collections: Any = None,
                   name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """How many labels and predictions are both false."""
    return _counted(name, "true_negatives", labels, predictions, weights, False, False,
                    metrics_collections, updates_collections)


def false_positives(labels: Any, predictions: Any, weights: Any = None,
                    metrics_collections: Any = None, updates_collections: Any = None,
                    name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """How many predictions are true whose labels are false."""
    return _counted(name, "false_positives", labels, predictions, weights, False, True,
                    metrics_collections, updates_collections)


def false_negatives(labels: Any, predictions: Any, weights: Any = None,
                    metrics_collections: Any = None, updates_collections: Any = None,
                    name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """How many predictions are false whose labels are true."""
    return _counted(name, "false_negatives", labels, predictions, weights, True, False,
                    metrics_collections, updates_collections)
