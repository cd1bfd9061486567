"""Quotients that have no remainder or no infinity, and other functions of single numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core
from varscope.numbers_ import is_symbolic
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope


def div_no_nan(x: Any, y: Any, name: str | None = None) -> _core.Tensor:
    """Returns x / y, and 0 where y is 0."""
    with name_scope(name, "div_no_nan", [x, y]) as scope:
        x = convert_to_tensor(x)
        y = convert_to_tensor(y, x.dtype)
        none = _core.equal(y, _core.zeros_like(y))
        made = _core.divide(x, _core._where(none, _core.ones_like(y), y, None))
        none = _core.logical_or(none, _core.cast(_core.zeros_like(made), "bool"))
        return _core._where(none, _core.zeros_like(made), made, scope)


def truncatemod(x: Any, y: Any, name: str | None = None) -> _core.Tensor:
    """Returns what x / y leaves, with the sign of x."""
    with name_scope(name, "TruncateMod", [x, y]) as scope:
        x = convert_to_tensor(x)
        y = convert_to_tensor(y, x.dtype)
        left = _core.floormod(_core.abs(x), _core.abs(y))
        return _core.multiply(_core.sign(x), left, scope)


def rint(x: Any, name: str | None = None) -> _core.Tensor:
    """Returns the nearest whole number, the even one of two."""
    return _core.round(x, name or "Rint")


def xlogy(x: Any, y: Any, name: str | None = None) -> _core.Tensor:
    """Returns x * log(y), and 0 where x is 0."""
    with name_scope(name, "xlogy", [x, y]) as scope:
        x = convert_to_tensor(x)
        y = convert_to_tensor(y, x.dtype)
        none = _core.logical_or(_core.equal(x, _core.zeros_like(x)),
                                _core.cast(_core.zeros_like(y), "bool"))
        safe = _core._where(none, _core.ones_like(y + x), y + _core.zeros_like(x), None)
        return _core.multiply(x, _core.log(safe), scope)


def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False,
                     name: str | None = None) -> _core.Tensor:
    """Returns the loss of counts whose expected number's logarithm is log_input; the full one with
    Stirling's approximation of what does not depend on that."""
    with name_scope(name, "log_poisson_loss", [log_input, targets]) as scope:
        log_input, targets = convert_to_tensor(log_input), convert_to_tensor(targets)
        made = _core.exp(log_input) - log_input * targets
        if not compute_full_loss:
            return _core.identity(made, scope)
        many = _core.greater(targets, 1.0)
        safe = _core._where(many, targets, _core.ones_like(targets), None)
        stirling = safe * _core.log(safe) - safe + 0.5 * _core.log(6.283185307179586 * safe)
        return _core.add(made, _core._where(many, stirling, _core.zeros_like(stirling), None),
                         scope)


def lbeta(x: Any, name: str | None = None) -> _core.Tensor:
    """Returns the logarithm of the beta function of the last dimension's numbers."""
    with name_scope(name, "lbeta", [x]) as scope:
        x = convert_to_tensor(x)
        total = _core.lgamma(_core.reduce_sum(x, -1))
        return _core.subtract(_core.reduce_sum(_core.lgamma(x), -1), total, scope)


def polygamma(a: Any, x: Any, name: str | None = None) -> _core.Tensor:
    """Returns the derivative number a of digamma, for a whole number a, which is known when the graph
    is built."""
    order = float(np.asarray(a)) if not is_symbolic(a) and np.ndim(a) == 0 else -1.0
    if order < 0 or order != int(order):
        raise NotImplementedError(f"polygamma: varscope has it for one whole number a, not {a!r}")
    return _core._polygamma(int(order), x, name) if order else _core.digamma(x, name)


def polyval(coeffs: Any, x: Any, name: str | None = None) -> _core.Tensor:
    """Returns the polynomial of x whose highest coefficient is the first one."""
    if not isinstance(coeffs, list):
        raise ValueError(f"Argument coeffs must be list type. Received type {type(coeffs)}.")
    with name_scope(name, "polyval", [x]) as scope:
        x = convert_to_tensor(x)
        made = _core.zeros_like(x)
        for coefficient in coeffs:
            made = made * x + coefficient
        return _core.identity(made, scope)
