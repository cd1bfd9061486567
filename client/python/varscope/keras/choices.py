"""What layers are told by name: activations, initializers, regularizers, constraints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core, initializers
from varscope.compat.v1 import nn


def linear(x: Any) -> Any:
    """Returns x."""
    return x


def hard_sigmoid(x: Any) -> _core.Tensor:
    """0.2 x + 0.5, between 0 and 1."""
    from varscope.counting import clip_by_value
    return clip_by_value(0.2 * x + 0.5, 0.0, 1.0)


def exponential(x: Any) -> _core.Tensor:
    """e^x."""
    return _core.exp(x)


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None,
         threshold: float = 0.0) -> _core.Tensor:
    """max(x, 0); of what is below 0 alpha times as much, and nothing above max_value."""
    if threshold:
        raise NotImplementedError("keras.activations.relu: varscope has no 'threshold'")
    made = nn.leaky_relu(x, alpha) if alpha else nn.relu(x)
    return made if max_value is None else _core.minimum(made, float(max_value))


ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "linear": linear, "relu": relu, "sigmoid": nn.sigmoid, "tanh": nn.tanh, "softmax": nn.softmax,
    "elu": nn.elu, "selu": nn.selu, "softplus": nn.softplus, "softsign": nn.softsign,
    "hard_sigmoid": hard_sigmoid, "exponential": exponential, "swish": nn.swish,
    "relu6": nn.relu6, "leaky_relu": nn.leaky_relu}


def he_normal(seed: int | None = None) -> Any:
    """For layers with relu."""
    return initializers.VarianceScaling(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: int | None = None) -> Any:
    """For layers with relu."""
    return initializers.VarianceScaling(2.0, "fan_in", "uniform", seed)


def lecun_normal(seed: int | None = None) -> Any:
    """For layers with selu."""
    return initializers.VarianceScaling(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: int | None = None) -> Any:
    """For layers with selu."""
    return initializers.VarianceScaling(1.0, "fan_in", "uniform", seed)


def RandomNormal(mean: float = 0.0, stddev: float = 0.05, seed: int | None = None,
                 dtype: Any = None) -> Any:
    """A normal distribution."""
    return initializers.RandomNormal(mean, stddev, seed)


def RandomUniform(minval: float = -0.05, maxval: float = 0.05, seed: int | None = None,
                  dtype: Any = None) -> Any:
    """From minval up to maxval."""
    return initializers.RandomUniform(minval, maxval, seed)


def TruncatedNormal(mean: float = 0.0, stddev: float = 0.05, seed: int | None = None,
                    dtype: Any = None) -> Any:
    """A normal distribution, redrawn beyond two standard deviations."""
    return initializers.TruncatedNormal(mean, stddev, seed)


INITIALIZERS: dict[str, Callable[..., Any]] = {
    "zeros": initializers.Zeros, "zero": initializers.Zeros, "ones": initializers.Ones,
    "one": initializers.Ones, "constant": initializers.Constant,
    "uniform": RandomUniform, "random_uniform": RandomUniform, "RandomUniform": RandomUniform,
    "normal": RandomNormal, "random_normal": RandomNormal, "RandomNormal": RandomNormal,
    "truncated_normal": TruncatedNormal, "TruncatedNormal": TruncatedNormal,
    "glorot_uniform": initializers.GlorotUniform, "glorot_normal": initializers.GlorotNormal,
    "he_normal": he_normal, "he_uniform": he_uniform, "lecun_normal": lecun_normal,
    "lecun_uniform": lecun_uniform, "orthogonal": initializers.Orthogonal,
    "identity": initializers.Identity}


def l1(l: float = 0.01) -> Callable[[Any], Any]:  # noqa: E741 (Keras's name)
    """l times the sum of absolute values."""
    return l1_l2(l, 0.0)


def l2(l: float = 0.01) -> Callable[[Any], Any]:  # noqa: E741 (Keras's name)
    """l times the sum of squares."""
    return l1_l2(0.0, l)


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> Callable[[Any], Any]:
    """l1 times the sum of absolute values, and l2 times that of squares."""

    def loss(x: Any) -> Any:
        parts = []
        if l1:
            parts.append(float(l1) * _core.reduce_sum(_core.abs(x)))
        if l2:
            parts.append(float(l2) * _core.reduce_sum(_core.square(x)))
        return sum(parts[1:], parts[0]) if parts else _core.reduce_sum(x) * 0.0

    return loss


REGULARIZERS = {"l1": l1, "l2": l2, "l1_l2": l1_l2}


def max_norm(max_value: float = 2, axis: Any = 0) -> Callable[[Any], Any]:
    """Shortens columns that are longer than max_value."""

    def shortened(x: Any) -> Any:
        length = _core.sqrt(_core.reduce_sum(_core.square(x), axis, True))
        return x * (_core.minimum(length, float(max_value)) / (1e-7 + length))

    return shortened


def non_neg() -> Callable[[Any], Any]:
    """Zeros for what is below 0."""
    return nn.relu


def unit_norm(axis: Any = 0) -> Callable[[Any], Any]:
    """Columns of length 1."""
    return lambda x: x / (1e-7 + _core.sqrt(_core.reduce_sum(_core.square(x), axis, True)))


CONSTRAINTS = {"max_norm": max_norm, "non_neg": non_neg, "unit_norm": unit_norm}


def activation(identifier: Any) -> Any:
    """Returns an activation, by name or as it is."""
    return _chosen("activation", ACTIVATIONS, identifier, False)


def initializer(identifier: Any) -> Any:
    """Returns an initializer, by name or as it is."""
    return _chosen("initializer", INITIALIZERS, identifier, True)


def regularizer(identifier: Any) -> Any:
    """Returns a regularizer, by name or as it is."""
    return _chosen("regularizer", REGULARIZERS, identifier, True)


def constraint(identifier: Any) -> Any:
    """Returns a constraint, by name or as it is."""
    return _chosen("constraint", CONSTRAINTS, identifier, True)


def _chosen(what: str, known: dict[str, Any], identifier: Any, calls: bool) -> Any:
    if not isinstance(identifier, str):
        return identifier
    if identifier not in known:
        raise ValueError(f"Unknown {what}: '{identifier}'. varscope has {', '.join(sorted(known))}.")
    return known[identifier]() if calls else known[identifier]
