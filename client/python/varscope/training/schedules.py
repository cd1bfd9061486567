"""Learning rates that fall with the steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from varscope import _core
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope


class _Rate:
    """A learning rate, and numbers of its dtype."""

    def __init__(self, learning_rate: Any, global_step: Any) -> None:
        if global_step is None:
            raise ValueError("global_step is required for a decay of the learning rate.")
        self.first = convert_to_tensor(learning_rate, name="initial_learning_rate")
        self.step = self.number(global_step)

    def number(self, x: Any) -> _core.Tensor:
        return _core.cast(convert_to_tensor(x), self.first.dtype)

    def progress(self, decay_steps: Any, staircase: bool = False) -> _core.Tensor:
        """The steps as a share of so many."""
        share = _core.divide(self.step, self.number(decay_steps), "truediv")
        return _core.floor(share) if staircase else share

    def share(self, decay_steps: Any) -> _core.Tensor:
        """The same, at most 1."""
        return _core.minimum(self.progress(decay_steps), 1.0)


def exponential_decay(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any,
                      staircase: bool = False, name: str | None = None) -> _core.Tensor:
    """learning_rate * decay_rate ^ (global_step / decay_steps)."""
    with name_scope(name, "ExponentialDecay") as scope:
        rate = _Rate(learning_rate, global_step)
        share = rate.progress(decay_steps, staircase)
        return _core.multiply(rate.first, _core.pow(rate.number(decay_rate), share), scope)


def natural_exp_decay(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any,
                      staircase: bool = False, name: str | None = None) -> _core.Tensor:
    """learning_rate * e ^ (-decay_rate * global_step / decay_steps)."""
    return exponential_decay(learning_rate, global_step, decay_steps,
                             _core.exp(_core.negative(decay_rate)), staircase, name)


def inverse_time_decay(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any,
                       staircase: bool = False, name: str | None = None) -> _core.Tensor:
    """learning_rate / (1 + decay_rate * global_step / decay_steps)."""
    with name_scope(name, "InverseTimeDecay") as scope:
        rate = _Rate(learning_rate, global_step)
        share = rate.progress(decay_steps, staircase)
        return _core.divide(rate.first, 1.0 + rate.number(decay_rate) * share, scope)


def polynomial_decay(learning_rate: Any, global_step: Any, decay_steps: Any,
                     end_learning_rate: Any = 0.0001, power: Any = 1.0, cycle: bool = False,
                     name: str | None = None) -> _core.Tensor:
    """From learning_rate to end_learning_rate in decay_steps; with `cycle` again and again, each time
    in as many steps more."""
    with name_scope(name, "PolynomialDecay") as scope:
        rate = _Rate(learning_rate, global_step)
        if cycle:
            steps = rate.number(decay_steps)
            rounds = _core.maximum(_core.ceil(rate.progress(steps)), 1.0)
            share = rate.progress(steps * rounds)
        else:
            share = rate.share(decay_steps)
        end = rate.number(end_learning_rate)
        fallen = _core.pow(1.0 - share, rate.number(power))
        return _core.add(_core.multiply(rate.first - end, fallen), end, scope)


def cosine_decay(learning_rate: Any, global_step: Any, decay_steps: Any, alpha: float = 0.0,
                 name: str | None = None) -> _core.Tensor:
    """From learning_rate to alpha * learning_rate along half a cosine."""
    with name_scope(name, "CosineDecay"):
        rate = _Rate(learning_rate, global_step)
        wave = 0.5 * (1.0 + _core.cos(rate.share(decay_steps) * math.pi))
        return _core.multiply(rate.first, (1.0 - alpha) * wave + alpha)


def cosine_decay_restarts(learning_rate: Any, global_step: Any, first_decay_steps: Any,
                          t_mul: float = 2.0, m_mul: float = 1.0, alpha: float = 0.0,
                          name: str | None = None) -> _core.Tensor:
    """cosine_decay again and again, each time in t_mul times as many steps, from m_mul times as large
    a rate."""
    with name_scope(name, "SGDRDecay") as scope:
        rate = _Rate(learning_rate, global_step)
        share = rate.progress(first_decay_steps)
        if t_mul == 1.0:
            restarts = _core.floor(share)
            share = share - restarts
        else:
            whole = _core.divide(_core.log(1.0 - share * (1.0 - t_mul)), math.log(t_mul))
            restarts = _core.floor(whole)
            length = _core.pow(rate.number(t_mul), restarts)
            share = _core.divide(share - (1.0 - length) / (1.0 - t_mul), length)
        wave = 0.5 * _core.pow(rate.number(m_mul), restarts) * (1.0 + _core.cos(share * math.pi))
        return _core.multiply(rate.first, (1.0 - alpha) * wave + alpha, scope)


def linear_cosine_decay(learning_rate: Any, global_step: Any, decay_steps: Any,
                        num_periods: float = 0.5, alpha: float = 0.0, beta: float = 0.001,
                        name: str | None = None) -> _core.Tensor:
    """A line that falls to alpha, times so many periods of a cosine, plus beta."""
    with name_scope(name, "LinearCosineDecay") as scope:
        rate = _Rate(learning_rate, global_step)
        share = rate.share(decay_steps)
        wave = 0.5 * (1.0 + _core.cos(share * (2.0 * num_periods * math.pi)))
        return _core.multiply(rate.first, (alpha + (1.0 - share)) * wave + beta, scope)


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
