"""tf.metrics.auc: the area under the curve of a classifier's rates, over all batches of a run."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core
from varscope.collections_ import GraphKeys
from varscope.metrics import result, spread
from varscope.ops import convert_to_tensor
from varscope.scopes import variable_scope
from varscope.variable_class import Variable
from varscope.variables import assign_add

_FLOAT = _core.as_dtype("float32")


def auc(labels: Any, predictions: Any, weights: Any = None, num_thresholds: int = 200,
        metrics_collections: Any = None, updates_collections: Any = None, curve: str = "ROC",
        name: str | None = None,
        summation_method: str = "trapezoidal") -> tuple[_core.Tensor, _core.Tensor]:
    """Returns the area under the curve "ROC", or "PR", of probabilities and labels, and what adds a
    batch and returns it."""
    if curve not in ("ROC", "PR"):
        raise ValueError(f"curve must be either ROC or PR, {curve} unknown")
    if summation_method != "trapezoidal":
        raise NotImplementedError("auc: varscope has the summation_method 'trapezoidal' alone")
    with variable_scope(name, "auc", [labels, predictions, weights]):
        counts = _counts(labels, predictions, weights, _thresholds(num_thresholds))
        kept = {key: _local(key, num_thresholds) for key in counts}
        updates = {key: assign_add(kept[key], counts[key]) for key in counts}
        value = _area(curve, {key: own.value() for key, own in kept.items()}, "value")
        return result(value, _area(curve, updates, "update_op"), metrics_collections,
                      updates_collections)


def _thresholds(count: int) -> np.ndarray:
    """Steps from just below 0 to just above 1."""
    inner = [(i + 1) / (count - 1) for i in range(count - 2)]
    return np.array([-1e-7, *inner, 1.0 + 1e-7], np.float32)


def _local(name: str, size: int) -> _core.Variable:
    return Variable(_core.zeros([size], _FLOAT), trainable=False, name=name,
                    collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES])


def _counts(labels: Any, predictions: Any, weights: Any,
            thresholds: np.ndarray) -> dict[str, _core.Tensor]:
    """For each threshold how many predictions are right and wrong above it, and below it."""
    labels = _core.cast(convert_to_tensor(labels), "bool")
    predictions = _core.cast(convert_to_tensor(predictions), _FLOAT)
    share = _core.ones_like(predictions) if weights is None else spread(weights, predictions)
    row = _core.reshape(predictions, [1, -1])
    truth = _core.cast(_core.reshape(labels, [1, -1]), _FLOAT)
    share = _core.reshape(share, [1, -1])
    above = _core.cast(_core.greater(row, thresholds[:, None]), _FLOAT)
    right, wrong = truth * share, (1.0 - truth) * share
    return {"true_positives": _core.reduce_sum(above * right, 1),
            "false_negatives": _core.reduce_sum((1.0 - above) * right, 1),
            "true_negatives": _core.reduce_sum((1.0 - above) * wrong, 1),
            "false_positives": _core.reduce_sum(above * wrong, 1)}


def _area(curve: str, counts: dict[str, Any], name: str) -> _core.Tensor:
    small = 1e-6
    tp, fn, tn, fp = (counts[key] for key in ("true_positives", "false_negatives",
                                              "true_negatives", "false_positives"))
    recall = (tp + small) / (tp + fn + small)
    if curve == "ROC":
        x, y = fp / (fp + tn + small), recall
    else:
        x, y = recall, (tp + small) / (tp + fp + small)
    return _core.reduce_sum((x[:-1] - x[1:]) * ((y[:-1] + y[1:]) / 2.0), None, None, name)
