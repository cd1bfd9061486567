"""Dropout."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.compat.v1 import nn
from varscope.control_flow import cond
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope


def dropout(inputs: Any, rate: Any = 0.5, noise_shape: Any = None, seed: int | None = None,
            training: Any = False, name: str | None = None) -> _core.Tensor:
    """Sets elements to 0 at this rate while it trains, and scales the others. `training` may be a
    tensor."""
    inputs = convert_to_tensor(inputs)
    with name_scope(name, "dropout", [inputs]):
        if isinstance(training, (_core.Tensor, _core.Variable)):
            on = _core.reshape(_core.cast(training, "bool"), [])
            return cond(on, lambda: nn.dropout(inputs, 1.0 - rate, noise_shape, seed),
                        lambda: _core.identity(inputs))
        return nn.dropout(inputs, 1.0 - rate, noise_shape, seed) if training else (
            _core.identity(inputs))
