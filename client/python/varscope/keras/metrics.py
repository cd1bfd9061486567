"""Metrics of a batch, which a model averages over its batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core, largest
from varscope.keras import losses
from varscope.ops import convert_to_tensor


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> _core.Tensor:
    """How often a probability is on the right side."""
    made = _core.cast(_core.greater(convert_to_tensor(y_pred), threshold), "float32")
    return _core.reduce_mean(_same(_core.cast(y_true, "float32"), made), -1)


def categorical_accuracy(y_true: Any, y_pred: Any) -> _core.Tensor:
    """How often the largest one is the right one."""
    return _same(_core.argmax(y_true, -1), _core.argmax(y_pred, -1))


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> _core.Tensor:
    """The same, of classes by their numbers."""
    return _same(_core.cast(y_true, "int64"), _core.argmax(y_pred, -1))


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> _core.Tensor:
    """How often the right one is among the k largest."""
    return _core.cast(largest.in_top_k(y_pred, _core.argmax(y_true, -1), k), "float32")


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> _core.Tensor:
    """The same, of classes by their numbers."""
    return _core.cast(largest.in_top_k(y_pred, _core.cast(y_true, "int64"), k), "float32")


def _same(first: Any, second: Any) -> _core.Tensor:
    return _core.cast(_core.equal(first, second), "float32")


BY_NAME: dict[str, Callable[..., Any]] = {
    **losses.BY_NAME, "binary_accuracy": binary_accuracy,
    "categorical_accuracy": categorical_accuracy,
    "sparse_categorical_accuracy": sparse_categorical_accuracy,
    "top_k_categorical_accuracy": top_k_categorical_accuracy,
    "sparse_top_k_categorical_accuracy": sparse_top_k_categorical_accuracy}


class Mean:
    """A metric as an object: a function, and its name."""

    _function: Callable[..., Any] = staticmethod(lambda y_true, y_pred: y_pred)

    def __init__(self, name: str | None = None, **given: Any) -> None:
        from varscope.keras.base import _snake
        self.name = self.__name__ = name or _snake(type(self).__name__)
        self._given = given

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        return type(self)._function(y_true, y_pred, **self._given)


class Accuracy(Mean):
    """How often both are the same."""

    _function = staticmethod(lambda y_true, y_pred: _same(_core.cast(y_true, "float32"),
                                                          _core.cast(y_pred, "float32")))


class BinaryAccuracy(Mean):
    """binary_accuracy."""

    _function = binary_accuracy


class CategoricalAccuracy(Mean):
    """categorical_accuracy."""

    _function = categorical_accuracy


class SparseCategoricalAccuracy(Mean):
    """sparse_categorical_accuracy."""

    _function = sparse_categorical_accuracy


class MeanSquaredError(Mean):
    """mean_squared_error."""

    _function = losses.mean_squared_error


class MeanAbsoluteError(Mean):
    """mean_absolute_error."""

    _function = losses.mean_absolute_error


def get(identifier: Any, loss: Any, outputs: int) -> tuple[str, Callable[..., Any]]:
    """Returns a metric's name and its function. 'accuracy' is the one that fits the loss, which has
    predictions of so many numbers."""
    if identifier in ("accuracy", "acc"):
        return identifier, _accuracy(loss, outputs)
    if not isinstance(identifier, str):
        return getattr(identifier, "name", None) or identifier.__name__, identifier
    if identifier not in BY_NAME:
        raise ValueError(f"Unknown metric function: '{identifier}'. varscope has "
                         f"{', '.join(sorted(BY_NAME))}.")
    function = BY_NAME[identifier]
    return identifier if identifier in ("mse", "mae", "mape", "msle") else function.__name__, function


def _accuracy(loss: Any, outputs: int) -> Callable[..., Any]:
    name = getattr(losses.get(loss), "__name__", type(loss).__name__)
    if "sparse" in name.lower():
        return sparse_categorical_accuracy
    if outputs == 1 or name in ("binary_crossentropy", "BinaryCrossentropy"):
        return binary_accuracy
    return categorical_accuracy
