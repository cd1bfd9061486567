"""tf.losses: losses with weights, which the graph collects."""

from __future__ import annotations

from typing import Any

from varscope import _core, weights as weights_lib
from varscope.collections_ import GraphKeys, add_to_collection, get_collection
from varscope.compat.v1 import nn
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope
from varscope.selecting import quotient_or_zero


class Reduction:
    """How the losses of a batch become one number."""

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """Returns all of them."""
        return (cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_BY_NONZERO_WEIGHTS)

    @classmethod
    def validate(cls, key: Any) -> None:
        """ValueError for what is none."""
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}.")


def compute_weighted_loss(losses: Any, weights: Any = 1.0, scope: str | None = None,
                          loss_collection: str | None = GraphKeys.LOSSES,
                          reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> _core.Tensor:
    """Returns losses * weights, reduced, and adds the result to the collection."""
    Reduction.validate(reduction)
    with name_scope(scope, "weighted_loss", [losses]):
        losses = convert_to_tensor(losses)
        loss = _reduced(losses, weights, reduction)
        if loss_collection is not None:
            add_to_collection(loss_collection, loss)
        return loss


def _reduced(losses: _core.Tensor, weights: Any, reduction: str) -> _core.Tensor:
    plain = isinstance(weights, (int, float))
    if not plain:
        weights = _core.cast(convert_to_tensor(weights), losses.dtype)
        weights = weights_lib.broadcastable(weights, losses)
    weighted = losses if plain and weights == 1 else _core.multiply(losses, weights)
    if reduction == Reduction.NONE:
        return weighted
    if reduction == Reduction.SUM:
        return _core.reduce_sum(weighted)
    by_all = reduction == Reduction.SUM_OVER_BATCH_SIZE
    if by_all or (plain and weights != 0 and (reduction != Reduction.MEAN or weights == 1)):
        if losses.shape.is_fully_defined() and 0 not in losses.shape.as_list():
            return _core.reduce_mean(weighted, name="value")
        count = _core.cast(_core.size(losses), losses.dtype)
    else:
        spread = _core.ones_like(losses) * weights
        count = _core.reduce_sum(spread if reduction == Reduction.MEAN else _core.cast(
            _core.not_equal(spread, 0.0), losses.dtype))
    # Without any weight the sum is 0, and so is the loss.
    return quotient_or_zero(_core.reduce_sum(weighted), count, "value")


def _floats(predictions: Any, labels: Any) -> tuple[_core.Tensor, _core.Tensor]:
    """Both as float32, which TensorFlow computes errors in. ValueError when they do not fit."""
    predictions = _core.cast(convert_to_tensor(predictions), "float32")
    return _same_shape(predictions, labels)


def _same_shape(predictions: Any, labels: Any) -> tuple[_core.Tensor, _core.Tensor]:
    """Both as tensors of the predictions' dtype. ValueError when their shapes do not fit."""
    predictions = convert_to_tensor(predictions)
    labels = _core.cast(convert_to_tensor(labels), predictions.dtype)
    weights_lib.check_same_shape(predictions, labels)
    return predictions, labels


def mean_squared_error(labels: Any, predictions: Any, weights: Any = 1.0,
                       scope: str | None = None,
                       loss_collection: str | None = GraphKeys.LOSSES,
                       reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> _core.Tensor:
    """(predictions - labels)^2."""
    with name_scope(scope, "mean_squared_error", [predictions, labels]) as scope:
        predictions, labels = _floats(predictions, labels)
        return compute_weighted_loss(_core.squared_difference(predictions, labels), weights, scope,
                                     loss_collection, reduction)


def absolute_difference(labels: Any, predictions: Any, weights: Any = 1.0,
                        scope: str | None = None,
                        loss_collection: str | None = GraphKeys.LOSSES,
                        reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> _core.Tensor:
    """|predictions - labels|."""
    with name_scope(scope, "absolute_difference", [predictions, labels]) as scope:
        predictions, labels = _floats(predictions, labels)
        return compute_weighted_loss(_core.abs(_core.subtract(predictions, labels)), weights,
                                     scope, loss_collection, reduction)


def huber_loss(labels: Any, predictions: Any, weights: Any = 1.0, delta: float = 1.0,
               scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
               reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> _core.Tensor:
    """Quadratic up to delta, linear beyond it."""
    with name_scope(scope, "huber_loss", [predictions, labels]) as scope:
        predictions, labels = _floats(predictions, labels)
        error = _core.abs(_core.subtract(predictions, labels))
        quadratic = _core.minimum(error, delta)
        losses = 0.5 * _core.square(quadratic) + delta * (error - quadratic)
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def cosine_distance(labels: Any, predictions: Any, axis: int | None = None, weights: Any = 1.0,
                    scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
                    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
                    dim: int | None = None) -> _core.Tensor:
    """1 - the product of unit vectors along a dimension."""
    along = dim if axis is None else axis
    if along is None:
        raise ValueError("You must specify 'axis'.")
    with name_scope(scope, "cosine_distance_loss", [predictions, labels]) as scope:
        predictions, labels = _floats(predictions, labels)
        products = _core.reduce_sum(_core.multiply(predictions, labels), [along], True)
        return compute_weighted_loss(_core.subtract(1.0, products), weights, scope,
                                     loss_collection, reduction)


def hinge_loss(labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None,
               loss_collection: str | None = GraphKeys.LOSSES,
               reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> _core.Tensor:
    """max(0, 1 - (2 * labels - 1) * logits), of labels 0 and 1."""
    with name_scope(scope, "hinge_loss", [logits, labels]) as scope:
        logits, labels = _floats(logits, labels)
        losses = nn.relu(1.0 - (2.0 * labels - 1.0) * logits)
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def log_loss(labels: Any, predictions: Any, weights: Any = 1.0, epsilon: float = 1e-7,
             scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
             reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> _core.Tensor:
    """The cross entropy of probabilities and labels 0 and 1."""
    with name_scope(scope, "log_loss", [predictions, labels]) as scope:
        predictions, labels = _floats(predictions, labels)
        losses = -(labels * _core.log(predictions + epsilon)) - (
            1.0 - labels) * _core.log(1.0 - predictions + epsilon)
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def softmax_cross_entropy(onehot_labels: Any, logits: Any, weights: Any = 1.0,
                          label_smoothing: float = 0, scope: str | None = None,
                          loss_collection: str | None = GraphKeys.LOSSES,
                          reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> _core.Tensor:
    """The cross entropy of softmax(logits) and labels of one row each."""
    with name_scope(scope, "softmax_cross_entropy_loss", [logits, onehot_labels]) as scope:
        logits, labels = _same_shape(logits, onehot_labels)
        if label_smoothing > 0:
            known = logits.shape.as_list()[-1] if logits.shape.ndims else None
            classes = _core.cast(_core.shape(labels)[-1], labels.dtype) if known is None else known
            labels = labels * (1 - label_smoothing) + label_smoothing / classes
        losses = nn.softmax_cross_entropy_with_logits_v2(
            labels=_core.stop_gradient(labels), logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def sparse_softmax_cross_entropy(labels: Any, logits: Any, weights: Any = 1.0,
                                 scope: str | None = None,
                                 loss_collection: str | None = GraphKeys.LOSSES,
                                 reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS
                                 ) -> _core.Tensor:
    """The cross entropy of softmax(logits) and labels that are class numbers."""
    with name_scope(scope, "sparse_softmax_cross_entropy_loss", [logits, labels]) as scope:
        labels, logits = weights_lib.squeezed_pair(convert_to_tensor(labels),
                                                   convert_to_tensor(logits), 1)
        if not isinstance(weights, (int, float)):
            weights = weights_lib.squeezed_weights(convert_to_tensor(weights), labels, False)
        losses = nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits,
                                                             name="xentropy")
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def sigmoid_cross_entropy(multi_class_labels: Any, logits: Any, weights: Any = 1.0,
                          label_smoothing: float = 0, scope: str | None = None,
                          loss_collection: str | None = GraphKeys.LOSSES,
                          reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS) -> _core.Tensor:
    """The cross entropy of sigmoid(logits) and labels, element by element."""
    with name_scope(scope, "sigmoid_cross_entropy_loss", [logits, multi_class_labels]) as scope:
        logits, labels = _same_shape(logits, multi_class_labels)
        if label_smoothing > 0:
            labels = labels * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits,
                                                      name="xentropy")
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def add_loss(loss: Any, loss_collection: str | None = GraphKeys.LOSSES) -> None:
    """Adds a loss to the collection."""
    if loss_collection is not None:
        add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: str = GraphKeys.LOSSES) -> list[Any]:
    """Returns the collected losses."""
    return get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Any]:
    """Returns the losses that regularizers made."""
    return get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: str | None = None,
                            name: str = "total_regularization_loss") -> _core.Tensor:
    """Returns the sum of what regularizers made, 0 when they made nothing."""
    losses = get_regularization_losses(scope)
    return _core.add_n(losses, name) if losses else convert_to_tensor(0.0)


def get_total_loss(add_regularization_losses: bool = True, name: str = "total_loss",
                   scope: str | None = None) -> _core.Tensor:
    """Returns the sum of all collected losses."""
    losses = get_losses(scope)
    if add_regularization_losses:
        losses = losses + get_regularization_losses(scope)
    return _core.add_n(losses, name)
