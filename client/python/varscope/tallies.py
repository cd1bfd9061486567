"""How often numbers are there: tf.bincount and tf.confusion_matrix."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.arrays import scatter_nd
from varscope.checks import checked
from varscope.counting import reduce_all
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope


def bincount(arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None,
             dtype: Any = "int32", name: str | None = None) -> _core.Tensor:
    """Returns how often each number is there, or the sums of its weights: as many as the largest
    number asks for, no fewer than minlength, and no more than maxlength, without what is beyond. A
    run raises InvalidArgumentError for a negative number."""
    with name_scope(name, "bincount", [arr]):
        arr = _core.reshape(convert_to_tensor(arr), [-1])
        arr = _not_negative(arr, "arr_must_be_non_negative")
        size = _core.reduce_max(_core._concat([arr, _core.cast([-1], arr.dtype)], 0, None)) + 1
        if minlength is not None:
            size = _core.maximum(size, _core.cast(minlength, size.dtype))
        if maxlength is not None:
            size = _core.minimum(size, _core.cast(maxlength, size.dtype))
            # Numbers below 0 are not counted.
            arr = _core._where(_core.less(arr, size), arr, -_core.ones_like(arr), None)
        each = _core.ones_like(arr, dtype) if weights is None else _core.reshape(
            convert_to_tensor(weights), [-1])
        return _core.unsorted_segment_sum(each, arr, size)


def _not_negative(x: Any, otherwise: str) -> Any:
    return checked(x, reduce_all(_core.greater_equal(x, _core.zeros_like(x))), otherwise)


def confusion_matrix(labels: Any, predictions: Any, num_classes: Any = None, dtype: Any = "int32",
                     name: str | None = None, weights: Any = None) -> _core.Tensor:
    """Returns how often each label, a row, was predicted as each class, a column; or the sums of the
    weights, as numbers of the dtype. A run raises InvalidArgumentError for a class that is negative,
    or not below num_classes."""
    with name_scope(name, "confusion_matrix", [labels, predictions, num_classes, weights]):
        labels, predictions = _of_one_rank(convert_to_tensor(labels, name="labels"),
                                           convert_to_tensor(predictions, name="predictions"))
        predictions = _not_negative(_core.cast(predictions, "int64"),
                                    "predictions_contains_negative_values")
        labels = _not_negative(_core.cast(labels, "int64"), "labels_contains_negative_values")
        if num_classes is None:
            num_classes = _core.maximum(_core.reduce_max(predictions), _core.reduce_max(labels)) + 1
        else:
            num_classes = _core.cast(num_classes, "int64")
            labels = _below(labels, num_classes, "labels_out_of_bound")
            predictions = _below(predictions, num_classes, "predictions_out_of_bound")
        each = (_core.ones_like(predictions, dtype) if weights is None
                else _core.cast(convert_to_tensor(weights, name="weights"), dtype))
        places = _core.stack([labels, predictions], 1)
        return scatter_nd(places, each, _core.stack([num_classes, num_classes]))


def _below(x: Any, limit: Any, otherwise: str) -> Any:
    return checked(x, reduce_all(_core.less(x, limit)), otherwise)


def _of_one_rank(labels: Any, predictions: Any) -> tuple[Any, Any]:
    """Both, without a last dimension of 1 of which one has more than the other."""
    ranks = labels.shape.ndims, predictions.shape.ndims
    if None in ranks or ranks[0] == ranks[1]:
        return labels, predictions
    if ranks[0] == ranks[1] + 1:
        return _core.squeeze(labels, [-1]), predictions
    if ranks[1] == ranks[0] + 1:
        return labels, _core.squeeze(predictions, [-1])
    return labels, predictions
