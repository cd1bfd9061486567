"""tf.metrics: figures over all batches of a run, in local variables."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.collections_ import GraphKeys, add_to_collection
from varscope.ops import convert_to_tensor, expand_dims
from varscope.scopes import refuse, variable_scope
from varscope.variables import Variable, assign_add

_FLOAT = _core.as_dtype("float32")


def _local(name: str) -> _core.Variable:
    """A number that local_variables_initializer sets to 0."""
    return Variable(_core.zeros([], _FLOAT), trainable=False, name=name,
                    collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES])


def _quotient(total: Any, count: Any, name: str) -> _core.Tensor:
    """total / count, and 0 while the count is 0."""
    none = _core.cast(_core.equal(count, 0.0), _FLOAT)
    return _core.divide(total, count + none, name)


def _result(value: _core.Tensor, update: _core.Tensor, metrics: Any,
            updates: Any) -> tuple[_core.Tensor, _core.Tensor]:
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
        share = _core.ones_like(values)
        if weights is not None:
            share = share * _core.cast(convert_to_tensor(weights), _FLOAT)
        return _ratio(_core.reduce_sum(values * share), _core.reduce_sum(share),
                      metrics_collections, updates_collections)


def _ratio(part: Any, whole: Any, metrics: Any,
           updates: Any) -> tuple[_core.Tensor, _core.Tensor]:
    """The quotient of two sums over all batches."""
    total, count = _local("total"), _local("count")
    new_total, new_count = assign_add(total, part), assign_add(count, whole)
    return _result(_quotient(total.value(), count.value(), "value"),
                   _quotient(new_total, new_count, "update_op"), metrics, updates)


def _matched(labels: Any, predictions: Any, weights: Any = None) -> tuple[Any, Any, Any]:
    """All three without a last dimension of 1 that the others do not have, as in TensorFlow."""
    labels, predictions = convert_to_tensor(labels), convert_to_tensor(predictions)
    weights = None if weights is None else convert_to_tensor(weights)
    if None not in (labels.shape.ndims, predictions.shape.ndims):
        labels = _squeezed(labels, predictions)
        predictions = _squeezed(predictions, labels)
    if not predictions.shape.is_compatible_with(labels.shape):
        raise ValueError(f"Shapes {predictions.shape} and {labels.shape} are incompatible")
    if weights is not None and None not in (weights.shape.ndims, predictions.shape.ndims):
        weights = _squeezed(weights, predictions)
        if weights.shape.ndims == predictions.shape.ndims - 1 > 0:
            weights = expand_dims(weights, -1)
    return labels, predictions, weights


def _squeezed(x: Any, like: Any) -> Any:
    """Without its last dimension, where that is 1 and `like` has one dimension less."""
    dims = x.shape.as_list()
    more = len(dims) == like.shape.ndims + 1
    return _core.squeeze(x, [-1]) if more and dims[-1] in (1, None) else x


def accuracy(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
             updates_collections: Any = None,
             name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """The share of predictions that equal their labels."""
    with variable_scope(name, "accuracy", [labels, predictions, weights]):
        labels, predictions, weights = _matched(labels, predictions, weights)
        if predictions.dtype != labels.dtype:
            predictions = _core.cast(predictions, labels.dtype)
        right = _core.cast(_core.equal(predictions, labels), _FLOAT)
        share = _core.ones_like(right)
        if weights is not None:
            share = share * _core.cast(convert_to_tensor(weights), _FLOAT)
        return _ratio(_core.reduce_sum(right * share), _core.reduce_sum(share),
                      metrics_collections, updates_collections)


def mean_squared_error(labels: Any, predictions: Any, weights: Any = None,
                       metrics_collections: Any = None, updates_collections: Any = None,
                       name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """The mean of (predictions - labels)^2."""
    labels, predictions, weights = _matched(labels, predictions, weights)
    return mean(_core.squared_difference(predictions, labels), weights, metrics_collections,
                updates_collections, name or "mean_squared_error")


def mean_absolute_error(labels: Any, predictions: Any, weights: Any = None,
                        metrics_collections: Any = None, updates_collections: Any = None,
                        name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """The mean of |predictions - labels|."""
    labels, predictions, weights = _matched(labels, predictions, weights)
    return mean(_core.abs(_core.subtract(predictions, labels)), weights, metrics_collections,
                updates_collections, name or "mean_absolute_error")


def _both(a: Any, b: Any) -> _core.Tensor:
    """The number of places where two tensors of truths, or of 0 and 1, are true."""
    return _core.reduce_sum(_core.cast(_core.cast(a, "bool"), _FLOAT) *
                            _core.cast(_core.cast(b, "bool"), _FLOAT))


def precision(labels: Any, predictions: Any, weights: None = None,
              metrics_collections: Any = None, updates_collections: Any = None,
              name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """The share of true predictions whose labels are true."""
    refuse("precision", weights=weights)
    with variable_scope(name, "precision", [labels, predictions]):
        labels, predictions, _ = _matched(labels, predictions)
        return _ratio(_both(predictions, labels), _both(predictions, predictions),
                      metrics_collections, updates_collections)


def recall(labels: Any, predictions: Any, weights: None = None, metrics_collections: Any = None,
           updates_collections: Any = None,
           name: str | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """The share of true labels whose predictions are true."""
    refuse("recall", weights=weights)
    with variable_scope(name, "recall", [labels, predictions]):
        labels, predictions, _ = _matched(labels, predictions)
        return _ratio(_both(predictions, labels), _both(labels, labels), metrics_collections,
                      updates_collections)
