"""Whether NaN and infinities may be assigned, and pushed by optimizers that do not say."""

from __future__ import annotations

from varscope import _core
from varscope.collections_ import local_variables

_allowed = False


def allow() -> None:
    """Lets them pass, as in TensorFlow."""
    global _allowed
    _allowed = True


def are_allowed() -> bool:
    """Whether allow() was called."""
    return _allowed


def may_be_nonfinite(variable: _core.Variable) -> bool:
    """Whether they may be assigned to a variable. A local one is nobody else's: it may have them."""
    return _allowed or variable in local_variables()


def assigned(change: _core.Tensor, variable: _core.Variable) -> _core.Tensor:
    """Returns what a change of a variable gives; it may give it them where the variable may."""
    if may_be_nonfinite(variable):
        _core._allow_nonfinite(change.op)
    return change
