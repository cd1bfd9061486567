"""Learning rates that fall with the steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from varscope import _core
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope

_FLOAT = _core.as_dtype("float32")


def _float(x: Any) -> _core.Tensor:
    return _core.cast(convert_to_tensor(x), _FLOAT)


def _progress(global_step: Any, decay_steps: Any, staircase: bool) -> _core.Tensor:
    if global_step is None:
        raise ValueError("global_step is required for a decay of the learning rate.")
    share = _core.divide(_float(global_step), _float(decay_steps))
    return _core.floor(share) if staircase else share


def exponential_decay(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any,
                      staircase: bool = False, name: str | None = None) -> _core.Tensor:
    """learning_rate * decay_rate ^ (global_step / decay_steps)."""
    with name_scope(name, "ExponentialDecay"):
        share = _progress(global_step, decay_steps, staircase)
        return _core.multiply(_float(learning_rate), _core.pow(_float(decay_rate), share))


def natural_exp_decay(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any,
                      staircase: bool = False, name: str | None = None) -> _core.Tensor:
    """learning_rate * e ^ (-decay_rate * global_step / decay_steps)."""
    with name_scope(name, "NaturalExpDecay"):
        share = _progress(global_step, decay_steps, staircase)
        return _core.multiply(_float(learning_rate), _core.exp(-_float(decay_rate) * share))


def inverse_time_decay(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any,
                       staircase: bool = False, name: str | None = None) -> _core.Tensor:
    """learning_rate / (1 + decay_rate * global_step / decay_steps)."""
    with name_scope(name, "InverseTimeDecay"):
        share = _progress(global_step, decay_steps, staircase)
        return _core.divide(_float(learning_rate), 1.0 + _float(decay_rate) * share)


def polynomial_decay(learning_rate: Any, global_step: Any, decay_steps: Any,
                     end_learning_rate: Any = 0.0001, power: Any = 1.0, cycle: bool = False,
                     name: str | None = None) -> _core.Tensor:
    """From learning_rate to end_learning_rate in decay_steps; with `cycle` from as high as that many
    more steps need."""
    with name_scope(name, "PolynomialDecay"):
        share = _progress(global_step, decay_steps, False)
        rounds = _core.maximum(_core.ceil(share), 1.0) if cycle else 1.0
        share = _core.divide(share, rounds) if cycle else _core.minimum(share, 1.0)
        end = _float(end_learning_rate)
        return (_float(learning_rate) - end) * _core.pow(1.0 - share, _float(power)) + end


def cosine_decay(learning_rate: Any, global_step: Any, decay_steps: Any, alpha: float = 0.0,
                 name: str | None = None) -> _core.Tensor:
    """From learning_rate to alpha * learning_rate along half a cosine."""
    with name_scope(name, "CosineDecay"):
        share = _core.minimum(_progress(global_step, decay_steps, False), 1.0)
        wave = 0.5 * (1.0 + _core.cos(share * math.pi))
        return _float(learning_rate) * ((1.0 - alpha) * wave + alpha)


def cosine_decay_restarts(learning_rate: Any, global_step: Any, first_decay_steps: Any,
                          t_mul: float = 2.0, m_mul: float = 1.0, alpha: float = 0.0,
                          name: str | None = None) -> _core.Tensor:
    """As cosine_decay in first_decay_steps, and then again and again: each time t_mul times as many
    steps long, from m_mul times as high."""
    with name_scope(name, "SGDRDecay") as scope:
        share = _progress(global_step, first_decay_steps, False)
        if t_mul == 1.0:
            rounds = _core.floor(share)
            share = share - rounds
        else:
            rounds = _core.floor(_core.log(1.0 - share * (1.0 - t_mul)) / math.log(t_mul))
            length = _core.pow(_float(t_mul), rounds)
            share = (share - (1.0 - length) / (1.0 - t_mul)) / length
        wave = 0.5 * _core.pow(_float(m_mul), rounds) * (1.0 + _core.cos(share * math.pi))
        return _core.multiply(_float(learning_rate), (1.0 - alpha) * wave + alpha, scope)


def linear_cosine_decay(learning_rate: Any, global_step: Any, decay_steps: Any,
                        num_periods: float = 0.5, alpha: float = 0.0, beta: float = 0.001,
                        name: str | None = None) -> _core.Tensor:
    """A line down to 0 times so many periods of a cosine, and never below beta times as high."""
    with name_scope(name, "LinearCosineDecay") as scope:
        share = _core.minimum(_progress(global_step, decay_steps, False), 1.0)
        wave = 0.5 * (1.0 + _core.cos(share * (2.0 * math.pi * num_periods)))
        return _core.multiply(_float(learning_rate), (alpha + 1.0 - share) * wave + beta, scope)


def piecewise_constant(x: Any, boundaries: Sequence[Any], values: Sequence[Any],
                       name: str | None = None) -> _core.Tensor:
    """values[i] up to and with boundaries[i], and the last value beyond them."""
    if len(boundaries) != len(values) - 1:
        raise ValueError("The length of boundaries should be 1 less than the length of values")
    with name_scope(name, "PiecewiseConstant") as scope:
        x = convert_to_tensor(x)
        rates = [convert_to_tensor(value) for value in values]
        if any(rate.dtype != rates[0].dtype for rate in rates):
            raise ValueError("values must have elements all of the same dtype, not "
                             f"{[rate.dtype.name for rate in rates]}")
        limits = [_limit(boundary, x) for boundary in boundaries]
        rate = rates[0]
        for limit, after in zip(limits, rates[1:]):
            rate = _core._where(_core.greater(x, limit), after, rate, None)
        return _core.identity(rate, scope)


def _limit(boundary: Any, x: _core.Tensor) -> _core.Tensor:
    """A boundary with the dtype of x. ValueError for another one, but of int32 beside int64."""
    limit = convert_to_tensor(boundary)
    if limit.dtype != x.dtype and not (limit.dtype == "int32" and x.dtype == "int64"):
        raise ValueError(f"Boundaries ({limit.dtype.name}) must have the same dtype as x "
                         f"({x.dtype.name}).")
    return limit if limit.dtype == x.dtype else _core.cast(limit, x.dtype)
