"""tf.nn.top_k and tf.nn.in_top_k."""

from __future__ import annotations

from typing import Any, NamedTuple

from varscope import _core
from varscope.checks import checked
from varscope.counting import reduce_all
from varscope.numbers_ import is_symbolic
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope


class TopKV2(NamedTuple):
    """What top_k() returns."""

    values: Any
    indices: Any


def top_k(input: Any, k: Any = 1, sorted: bool = True, name: str | None = None) -> TopKV2:
    """Returns the k largest elements of the last dimension, the largest first, and their places.

    Where k is a tensor, the last dimension must be known.
    """
    if not is_symbolic(k):
        return TopKV2(*_core._top_k(input, int(k), name))
    with name_scope(name, "TopKV2", [input, k]):
        input, k = convert_to_tensor(input), _core.cast(k, "int32")
        count = input.shape.as_list()[-1]
        if count is None:
            raise NotImplementedError("top_k: varscope must know the last dimension, or k")
        fits = _core.logical_and(_core.greater_equal(k, 0), _core.less_equal(k, count))
        k = checked(k, fits, "input_must_have_at_least_k_columns")
        return TopKV2(*(x[..., :k] for x in _core._top_k(input, count, None)))


def in_top_k(predictions: Any, targets: Any, k: Any, name: str | None = None) -> _core.Tensor:
    """Returns whether fewer than k predictions are above the target's."""
    if not is_symbolic(k):
        return _core.in_top_k(predictions, targets, int(k), name)
    with name_scope(name, "InTopK", [predictions, targets, k]) as scope:
        predictions, targets = convert_to_tensor(predictions), convert_to_tensor(targets)
        own = _core._one_hot(targets, predictions.shape.as_list()[1], predictions.dtype, None)
        finite = reduce_all(_core.is_finite(predictions), 1)
        there = _core.greater(_core.reduce_sum(own, 1), 0)
        of_target = _core.reduce_sum(own * predictions, 1, True)
        above = _core.cast(_core.greater(predictions, of_target), k.dtype)
        few = _core.less(_core.reduce_sum(above, 1), k)
        return _core.logical_and(few, _core.logical_and(finite, there), scope)
