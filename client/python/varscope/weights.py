"""How weights, labels and predictions fit each other: what all losses and metrics ask.

Shapes that differ by a last dimension of 1 are made equal, weights are repeated along dimensions of
1, and nothing else is: to broadcast would count other elements than a program means.
"""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.arrays import broadcast_to
from varscope.checks import checked
from varscope.control_flow import cond
from varscope.counting import reduce_all
from varscope.ops import expand_dims


def squeezed_pair(labels: _core.Tensor, predictions: _core.Tensor,
                  expected: int = 0) -> tuple[_core.Tensor, _core.Tensor]:
    """Returns both, of which one has lost its last dimension of 1 where predictions have not as
    many dimensions more than labels as are `expected`."""
    more = _difference(predictions, labels)
    return (_squeezed_if(labels, more, expected - 1),
            _squeezed_if(predictions, more, expected + 1))


def squeezed_weights(weights: _core.Tensor, values: _core.Tensor,
                     expands: bool = True) -> _core.Tensor:
    """Returns the weights with as many dimensions as the values have, where they have a last one of
    1 too many, or `expands` one too few. Weights without dimensions stay."""
    if weights.shape.ndims == 0:
        return weights
    more = _difference(weights, values)
    if isinstance(more, int):
        if more == -1 and expands:
            return expand_dims(weights, -1)
        return _squeezed_if(weights, more, 1)
    fitting = _squeezed_if(weights, more, 1)
    if not expands:
        return fitting
    is_short = _core.logical_and(_core.equal(more, -1), _core.greater(_core.rank(weights), 0))
    return cond(is_short, lambda: expand_dims(weights, -1), lambda: _core.identity(fitting))


def _difference(x: _core.Tensor, y: _core.Tensor) -> Any:
    """How many more dimensions x has: a number, or a tensor where a run alone knows."""
    if x.shape.ndims is None or y.shape.ndims is None:
        return _core.subtract(_core.rank(x), _core.rank(y))
    return x.shape.ndims - y.shape.ndims


def _squeezed_if(x: _core.Tensor, more: Any, wanted: int) -> _core.Tensor:
    """x without its last dimension, if the difference is the wanted one and it can be 1."""
    dims = [None] if x.shape.ndims is None else x.shape.as_list()
    if not dims or dims[-1] not in (None, 1) or (isinstance(more, int) and more != wanted):
        return x
    if isinstance(more, int):
        return _core.squeeze(x, [-1])
    return cond(_core.equal(more, wanted), lambda: _core.squeeze(x, [-1]),
                lambda: _core.identity(x))


def broadcastable(weights: _core.Tensor, values: _core.Tensor) -> _core.Tensor:
    """Returns weights that are one number, or have the values' dimensions, or 1 instead of some.

    ValueError for others; where a run alone knows the shapes, it raises InvalidArgumentError.
    """
    own, wanted = weights.shape, values.shape
    if own.ndims == 0:
        return weights
    if own.ndims is not None and wanted.ndims is not None and own.ndims != wanted.ndims:
        raise ValueError("weights can not be broadcast to values. values.rank="
                         f"{wanted.ndims}. weights.rank={own.ndims}. values.shape={wanted}. "
                         f"weights.shape={own}.")
    if own.is_fully_defined() and wanted.is_fully_defined():
        for place, (one, size) in enumerate(zip(own.as_list(), wanted.as_list())):
            if one not in (1, size):
                raise ValueError(f"weights can not be broadcast to values. mismatch at dim {place}."
                                 f" values.shape={wanted}. weights.shape={own}.")
        return weights
    return checked(weights, _fits(weights, values), "weights_can_not_be_broadcast_to_values")


def _fits(weights: _core.Tensor, values: _core.Tensor) -> _core.Tensor:
    def dims_fit() -> _core.Tensor:
        own = _core.shape(weights)
        same = _core.equal(own, _core.shape(values))
        return reduce_all(_core.logical_or(_core.equal(own, 1), same))

    if weights.shape.ndims is not None and weights.shape.ndims == values.shape.ndims:
        return dims_fit()
    own = _core.rank(weights)
    return cond(_core.equal(own, _core.rank(values)), dims_fit, lambda: _core.equal(own, 0))


def broadcast(weights: _core.Tensor, values: _core.Tensor) -> _core.Tensor:
    """Returns the weights, repeated to the shape of the values; see broadcastable()."""
    weights = broadcastable(weights, values)
    shape = values.shape
    if shape.is_fully_defined() and weights.shape == shape:
        return weights
    return broadcast_to(weights, shape if shape.is_fully_defined() else _core.shape(values))


def check_same_shape(predictions: _core.Tensor, labels: _core.Tensor) -> None:
    """ValueError when the shapes do not fit, as far as they are known."""
    if not predictions.shape.is_compatible_with(labels.shape):
        raise ValueError(f"Shapes {predictions.shape} and {labels.shape} are incompatible")
