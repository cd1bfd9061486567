"""tf.contrib.losses: tf.losses with other arguments, what was predicted first."""

from __future__ import annotations

from typing import Any

from varscope import _core, losses


def softmax_cross_entropy(logits: Any, onehot_labels: Any, weights: Any = 1.0,
                          label_smoothing: float = 0, scope: str | None = None) -> _core.Tensor:
    """The cross entropy of softmax(logits)."""
    return losses.softmax_cross_entropy(onehot_labels, logits, weights, label_smoothing, scope)


def sparse_softmax_cross_entropy(logits: Any, labels: Any, weights: Any = 1.0,
                                 scope: str | None = None) -> _core.Tensor:
    """The same with labels that are class numbers."""
    return losses.sparse_softmax_cross_entropy(labels, logits, weights, scope)


def sigmoid_cross_entropy(logits: Any, multi_class_labels: Any, weights: Any = 1.0,
                          label_smoothing: float = 0, scope: str | None = None) -> _core.Tensor:
    """The cross entropy of sigmoid(logits)."""
    return losses.sigmoid_cross_entropy(multi_class_labels, logits, weights, label_smoothing,
                                        scope)


def mean_squared_error(predictions: Any, labels: Any = None, weights: Any = 1.0,
                       scope: str | None = None) -> _core.Tensor:
    """The mean of (predictions - labels)^2."""
    return losses.mean_squared_error(labels, predictions, weights, scope)


def absolute_difference(predictions: Any, labels: Any = None, weights: Any = 1.0,
                        scope: str | None = None) -> _core.Tensor:
    """The mean of |predictions - labels|."""
    return losses.absolute_difference(labels, predictions, weights, scope)


def hinge_loss(logits: Any, labels: Any = None, scope: str | None = None) -> _core.Tensor:
    """The hinge loss of each element."""
    return losses.hinge_loss(labels, logits, scope=scope, reduction=losses.Reduction.NONE)


def log_loss(predictions: Any, labels: Any = None, weights: Any = 1.0, epsilon: float = 1e-7,
             scope: str | None = None) -> _core.Tensor:
    """The logarithmic loss of probabilities."""
    return losses.log_loss(labels, predictions, weights, epsilon, scope)
