"""Losses of each example, by name or as objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core
from varscope.compat.v1 import nn
from varscope.counting import clip_by_value
from varscope.ops import convert_to_tensor

_SMALL = 1e-7


def mean_squared_error(y_true: Any, y_pred: Any) -> _core.Tensor:
    """The mean of squared differences."""
    return _core.reduce_mean(_core.squared_difference(_like(y_true, y_pred), y_pred), -1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> _core.Tensor:
    """The mean of differences."""
    return _core.reduce_mean(_core.abs(y_pred - _like(y_true, y_pred)), -1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> _core.Tensor:
    """The mean difference in percent of what is true."""
    true = _like(y_true, y_pred)
    return 100.0 * _core.reduce_mean(
        _core.abs((true - y_pred) / _core.maximum(_core.abs(true), _SMALL)), -1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> _core.Tensor:
    """The mean squared difference of logarithms."""
    first = _core.log(_core.maximum(y_pred, _SMALL) + 1.0)
    second = _core.log(_core.maximum(_like(y_true, y_pred), _SMALL) + 1.0)
    return _core.reduce_mean(_core.squared_difference(first, second), -1)


def hinge(y_true: Any, y_pred: Any) -> _core.Tensor:
    """max(1 - true * predicted, 0)."""
    return _core.reduce_mean(nn.relu(1.0 - _like(y_true, y_pred) * y_pred), -1)


def squared_hinge(y_true: Any, y_pred: Any) -> _core.Tensor:
    """Its square."""
    return _core.reduce_mean(_core.square(nn.relu(1.0 - _like(y_true, y_pred) * y_pred)), -1)


def kullback_leibler_divergence(y_true: Any, y_pred: Any) -> _core.Tensor:
    """sum(true log(true / predicted))."""
    true = clip_by_value(_like(y_true, y_pred), _SMALL, 1.0)
    made = clip_by_value(y_pred, _SMALL, 1.0)
    return _core.reduce_sum(true * _core.log(true / made), -1)


def poisson(y_true: Any, y_pred: Any) -> _core.Tensor:
    """predicted - true log(predicted)."""
    return _core.reduce_mean(y_pred - _like(y_true, y_pred) * _core.log(y_pred + _SMALL), -1)


def logcosh(y_true: Any, y_pred: Any) -> _core.Tensor:
    """The logarithm of the difference's hyperbolic cosine."""
    x = y_pred - _like(y_true, y_pred)
    return _core.reduce_mean(x + nn.softplus(-2.0 * x) - 0.6931471805599453, -1)


def cosine_proximity(y_true: Any, y_pred: Any) -> _core.Tensor:
    """Minus the cosine of the angle between them."""
    true, made = nn.l2_normalize(_like(y_true, y_pred), -1), nn.l2_normalize(y_pred, -1)
    return -_core.reduce_sum(true * made, -1)


def huber_loss(y_true: Any, y_pred: Any, delta: float = 1.0) -> _core.Tensor:
    """Half the square up to delta, and a line beyond."""
    error = _core.abs(y_pred - _like(y_true, y_pred))
    near = _core.minimum(error, float(delta))
    return _core.reduce_mean(0.5 * near * near + delta * (error - near), -1)


def binary_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False,
                        label_smoothing: float = 0.0) -> _core.Tensor:
    """Cross entropy of probabilities of two classes."""
    y_pred = convert_to_tensor(y_pred)
    true = _like(y_true, y_pred)
    if label_smoothing:
        true = true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    logits = y_pred if from_logits else _before(y_pred, "Sigmoid")
    if logits is not None:
        return _core.reduce_mean(nn.sigmoid_cross_entropy_with_logits(labels=true, logits=logits),
                                 -1)
    made = clip_by_value(y_pred, _SMALL, 1.0 - _SMALL)
    return -_core.reduce_mean(true * _core.log(made + _SMALL) + (1.0 - true) * _core.log(
        1.0 - made + _SMALL), -1)


def categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False,
                             label_smoothing: float = 0.0) -> _core.Tensor:
    """Cross entropy of classes, one-hot."""
    y_pred = convert_to_tensor(y_pred)
    true = _like(y_true, y_pred)
    if label_smoothing:
        true = true * (1.0 - label_smoothing) + label_smoothing / y_pred.shape.as_list()[-1]
    logits = y_pred if from_logits else _before(y_pred, "Softmax")
    if logits is not None:
        return nn.softmax_cross_entropy_with_logits_v2(labels=true, logits=logits)
    made = y_pred / _core.reduce_sum(y_pred, -1, True)
    return -_core.reduce_sum(true * _core.log(clip_by_value(made, _SMALL, 1.0 - _SMALL)), -1)


def sparse_categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False,
                                    axis: int = -1) -> _core.Tensor:
    """Cross entropy of classes, by their numbers."""
    y_pred = convert_to_tensor(y_pred)
    logits = y_pred if from_logits else _before(y_pred, "Softmax")
    if logits is None:
        logits = _core.log(clip_by_value(y_pred, _SMALL, 1.0 - _SMALL))
    return nn.sparse_softmax_cross_entropy_with_logits(labels=_core.cast(y_true, "int64"),
                                                       logits=logits)


def _like(y_true: Any, y_pred: Any) -> Any:
    true = convert_to_tensor(y_true)
    return true if true.dtype == y_pred.dtype else _core.cast(true, y_pred.dtype)


def _before(y_pred: _core.Tensor, kind: str) -> Any:
    """What a softmax or a sigmoid was made of, as Keras takes it: it is more exact."""
    op = y_pred.op
    while op.type == "Identity":
        op = op.inputs[0].op
    return op.inputs[0] if op.type == kind else None


mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence
cosine = cosine_similarity = cosine_proximity

BY_NAME: dict[str, Callable[..., Any]] = {
    name: function for name, function in list(globals().items())
    if callable(function) and not name.startswith("_") and getattr(
        function, "__module__", "") == __name__}


def get(identifier: Any) -> Callable[..., Any]:
    """Returns a loss, by name or as it is."""
    if not isinstance(identifier, str):
        return identifier
    if identifier not in BY_NAME:
        raise ValueError(f"Unknown loss function: '{identifier}'. varscope has "
                         f"{', '.join(sorted(BY_NAME))}.")
    return BY_NAME[identifier]


class Loss:
    """A loss as an object; the call gives the mean of the examples."""

    _function: Callable[..., Any]

    def __init__(self, reduction: str = "auto", name: str | None = None, **given: Any) -> None:
        if reduction not in ("auto", "sum_over_batch_size", "none", "sum"):
            raise ValueError(f"Invalid Reduction Key {reduction}.")
        self.reduction, self.name, self._given = reduction, name, given

    def of_examples(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each example."""
        return type(self)._function(y_true, y_pred, **self._given)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        made = self.of_examples(y_true, convert_to_tensor(y_pred))
        if sample_weight is not None:
            made = made * sample_weight
        if self.reduction == "none":
            return made
        return _core.reduce_sum(made) if self.reduction == "sum" else _core.reduce_mean(made)


class _OfLogits(Loss):
    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0,
                 reduction: str = "auto", name: str | None = None) -> None:
        super().__init__(reduction, name, from_logits=from_logits, label_smoothing=label_smoothing)


class BinaryCrossentropy(_OfLogits):
    """binary_crossentropy."""

    _function = binary_crossentropy


class CategoricalCrossentropy(_OfLogits):
    """categorical_crossentropy."""

    _function = categorical_crossentropy


class SparseCategoricalCrossentropy(Loss):
    """sparse_categorical_crossentropy."""

    _function = sparse_categorical_crossentropy

    def __init__(self, from_logits: bool = False, reduction: str = "auto",
                 name: str | None = None) -> None:
        super().__init__(reduction, name, from_logits=from_logits)


class MeanSquaredError(Loss):
    """mean_squared_error."""

    _function = mean_squared_error


class MeanAbsoluteError(Loss):
    """mean_absolute_error."""

    _function = mean_absolute_error


class Huber(Loss):
    """huber_loss."""

    _function = huber_loss

    def __init__(self, delta: float = 1.0, reduction: str = "auto",
                 name: str | None = None) -> None:
        super().__init__(reduction, name, delta=delta)
