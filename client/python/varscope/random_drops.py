"""tf.nn.dropout."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.compat import v1 as tf
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope
from varscope.selecting import kept


def dropout(x: Any, keep_prob: Any = None, noise_shape: Any = None, seed: int | None = None,
            name: str | None = None, rate: Any = None) -> _core.Tensor:
    """Keeps each element with this probability, scaled by its inverse; else it becomes 0."""
    if (keep_prob is None) == (rate is None):
        raise ValueError("You must provide a rate to dropout: keep_prob, or rate, and not both.")
    if keep_prob is None:
        keep_prob = 1.0 - rate
    x = convert_to_tensor(x)
    with name_scope(name, "dropout", [x]):
        if isinstance(keep_prob, (int, float)):
            if not 0 < keep_prob <= 1:
                raise ValueError("keep_prob must be a scalar tensor or a float in the range "
                                 f"(0, 1], got {keep_prob:g}")
            if keep_prob == 1:
                return _core.identity(x)
        dims = x.shape.as_list() if x.shape.ndims is not None else [None]
        shape = noise_shape if noise_shape is not None else (
            tf.shape(x) if None in dims else dims)
        drawn = tf.random_uniform(shape, seed=seed, dtype=x.dtype)
        stays = _core.greater(_core.floor(_core.add(drawn, keep_prob)), 0.0)
        made = kept(stays, _core.divide(x, keep_prob), "SelectV2")
        made.set_shape(x.shape)  # also where that of keep_prob is not known
        return made
