"""The shape of samples: what distributions of numbers have in common."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.compat import v1 as tf


def shape_of(like: _core.Tensor, sample_shape: Any) -> Any:
    """Returns [sample_shape..., the dimensions of `like`]: numbers, or a tensor where some are not known
    yet. One number is a shape of one dimension."""
    front = [sample_shape] if not hasattr(sample_shape, "__len__") else list(sample_shape)
    dims = like.shape.as_list()
    if None not in dims:
        return [*front, *dims]
    own = tf.shape(like)
    return tf.concat([front, own], 0) if front else own
