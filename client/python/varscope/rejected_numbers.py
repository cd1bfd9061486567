"""Random numbers of gamma and of Poisson distributions, which each run draws anew: TensorFlow's, where
there is a seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core
from varscope.arrays import broadcast_to
from varscope.broadcasting import broadcast_dynamic_shape
from varscope.numbers_ import numbers
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope
from varscope.seeds import op_seeds


def random_gamma(shape: Any, alpha: Any, beta: Any = None, dtype: Any = _core.as_dtype("float32"),
                 seed: int | None = None, name: str | None = None) -> _core.Tensor:
    """Returns numbers of gamma distributions, shape + the shape of alpha and beta: of the shape alpha
    and, if it is given, the rate beta. alpha and beta have gradients."""
    with name_scope(name, "random_gamma", [alpha, beta]):
        alpha = convert_to_tensor(alpha, dtype, "alpha")
        beta = convert_to_tensor(1 if beta is None else beta, dtype, "beta")
        with name_scope("BroadcastArgs"):
            shapes = broadcast_dynamic_shape(_core.shape(alpha), _core.shape(beta))
        each = broadcast_to(alpha, shapes)
        drawn = _core._seeded_gamma(numbers(shape), each, *op_seeds(seed), None)
        smallest = np.finfo(each.dtype.as_numpy_dtype).tiny
        return _core.maximum(smallest, _core.divide(drawn, beta))


def random_poisson(lam: Any, shape: Any, dtype: Any = _core.as_dtype("float32"),
                   seed: int | None = None, name: str | None = None) -> _core.Tensor:
    """Returns shape + lam's shape: how many events there are where `lam` are expected."""
    return _core._seeded_poisson(numbers(shape), lam, dtype, *op_seeds(seed), name)
