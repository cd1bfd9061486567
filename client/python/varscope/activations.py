"""Functions of layers that are made of others."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope
from varscope.shaping import checked_axis, rank


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> _core.Tensor:
    """x * weights + biases."""
    with name_scope(name, "xw_plus_b", [x, weights, biases]) as scope:
        return _core.nn._bias_add(_core.matmul(x, weights), biases, scope)


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> _core.Tensor:
    """relu(x * weights + biases)."""
    with name_scope(name, "relu_layer", [x, weights, biases]) as scope:
        return _core.nn.relu(_core.nn._bias_add(_core.matmul(x, weights), biases, None), scope)


def zero_fraction(value: Any, name: str | None = None) -> _core.Tensor:
    """Returns the share of elements that are 0."""
    with name_scope(name, "zero_fraction", [value]):
        value = convert_to_tensor(value)
        zero = _core.cast(0, value.dtype)
        return _core.reduce_mean(_core.cast(_core.equal(value, zero), "float32"))


def log_sigmoid(x: Any, name: str | None = None) -> _core.Tensor:
    """The logarithm of sigmoid(x)."""
    with name_scope(name, "LogSigmoid", [x]) as scope:
        return _core.negative(_core.nn.softplus(_core.negative(x)), scope)


def crelu(features: Any, name: str | None = None, axis: int = -1) -> _core.Tensor:
    """relu(x) and relu(-x) side by side."""
    with name_scope(name, "CRelu", [features]) as scope:
        features = convert_to_tensor(features)
        both = [features, _core.negative(features)]
        return _core.nn.relu(_core._concat(both, checked_axis(axis, rank(features)), None), scope)


def swish(features: Any, name: str | None = None) -> _core.Tensor:
    """x * sigmoid(x)."""
    with name_scope(name, "swish", [features]) as scope:
        return _core.multiply(features, _core.sigmoid(features), scope)


def weighted_cross_entropy_with_logits(labels: Any = None, logits: Any = None,
                                       pos_weight: Any = None, name: str | None = None,
                                       targets: Any = None) -> _core.Tensor:
    """The cross entropy of sigmoid(logits), where labels of 1 count pos_weight times."""
    labels = targets if labels is None else labels
    with name_scope(name, "logistic_loss", [logits, labels]) as scope:
        logits = convert_to_tensor(logits)
        labels = convert_to_tensor(labels)
        factor = 1.0 + (pos_weight - 1.0) * labels
        below = _core.log1p(_core.exp(-_core.abs(logits))) + _core.nn.relu(-logits)
        return _core.add((1.0 - labels) * logits, factor * below, scope)


def batch_norm_with_global_normalization(t: Any, m: Any, v: Any, beta: Any, gamma: Any,
                                         variance_epsilon: float,
                                         scale_after_normalization: bool,
                                         name: str | None = None) -> _core.Tensor:
    """TensorFlow's older batch_normalization."""
    from varscope.normalization import batch_normalization
    return batch_normalization(t, m, v, beta, gamma if scale_after_normalization else None,
                               variance_epsilon, name)


def local_response_normalization(input: Any, depth_radius: int = 5, bias: float = 1.0,
                                 alpha: float = 1.0, beta: float = 0.5,
                                 name: str | None = None) -> _core.Tensor:
    """Divides each channel by what its neighbours have. Krizhevsky et al. 2012."""
    with name_scope(name, "LRN", [input]) as scope:
        squares = _core.square(convert_to_tensor(input))
        if rank(squares) != 4 or squares.shape.as_list()[-1] is None:
            raise ValueError("LRN: varscope needs four dimensions, of which it knows the last, not "
                             f"{squares.shape}")
        channels = squares.shape.as_list()[-1]
        wide = _core._pad(squares, [(0, 0), (0, 0), (0, 0), (depth_radius, depth_radius)], None)
        total = _core.add_n([wide[..., i:i + channels] for i in range(2 * depth_radius + 1)])
        return _core.divide(input, _core.pow(bias + alpha * total, beta), scope)
