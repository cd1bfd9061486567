"""What a program gives a store's push: gradients, and the rule by which the server applies them."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.optimizers import Optimizer
from varscope.rules import GivenRule, Rule
from varscope.slices import IndexedSlices, IndexedSlicesValue
from varscope.values import rows_for, value_for

_TRAINED = ("float32", "float64")
_DESCENT = Rule("GradientDescent", ("learning_rate",), {})


def rule_of(optimizer: Any) -> tuple[Rule | GivenRule, float | None]:
    """The rule, and for a number this learning rate."""
    if isinstance(optimizer, Optimizer):
        return GivenRule(optimizer), None
    try:
        if isinstance(optimizer, (str, bytes)):
            raise TypeError
        return _DESCENT, float(optimizer)
    except TypeError:
        raise TypeError("push() takes an optimizer of varscope.train, or a number, the learning rate "
                        f"of gradient descent, not {optimizer!r}") from None


def gradient_given(variable: _core.Variable, gradient: Any) -> Any:
    """An array, or a pair of them: rows, and where they are."""
    if variable.dtype.name not in _TRAINED:
        raise ValueError(f"variable '{variable.op.name}' is {variable.dtype.name}: optimizers update "
                         "float32 and float64 (assign() sets any)")
    if isinstance(gradient, (IndexedSlices, IndexedSlicesValue)):
        return rows_for(variable, gradient.values, gradient.indices)
    return value_for(variable, gradient, "the gradient")


def gradient_of(variable: _core.Variable, rows: bool) -> Any:
    """What a push is fed for a variable."""
    if not rows:
        return _core.placeholder(variable.dtype, variable.shape)
    values = _core.placeholder(variable.dtype, [None, *variable.shape.as_list()[1:]])
    return IndexedSlices(values, _core.placeholder("int64", [None]))
