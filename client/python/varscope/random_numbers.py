"""Random numbers, which each run draws anew: TensorFlow's, where there is a seed."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.numbers_ import numbers
from varscope.seeds import op_seeds


def _draw(function: Any, shape: Any, dtype: Any, first: Any, second: Any, seed: int | None,
          name: str | None) -> _core.Tensor:
    """Numbers of 16 bits are rounded ones."""
    dtype = _core.as_dtype(dtype)
    drawn = _core.as_dtype("float32") if dtype in ("float16", "bfloat16") else dtype
    values = function(numbers(shape), drawn, first, second, *op_seeds(seed), name)
    return values if drawn == dtype else _core.cast(values, dtype)


def random_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0,
                  dtype: Any = _core.as_dtype("float32"), seed: int | None = None,
                  name: str | None = None) -> _core.Tensor:
    """Returns numbers of a normal distribution."""
    return _draw(_core._seeded_normal, shape, dtype, mean, stddev, seed, name)


def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0,
                     dtype: Any = _core.as_dtype("float32"), seed: int | None = None,
                     name: str | None = None) -> _core.Tensor:
    """Returns the same without those further than two standard deviations from the mean."""
    return _draw(_core._seeded_truncated_normal, shape, dtype, mean, stddev, seed, name)


def random_uniform(shape: Any, minval: Any = 0, maxval: Any = None,
                   dtype: Any = _core.as_dtype("float32"), seed: int | None = None,
                   name: str | None = None) -> _core.Tensor:
    """Returns numbers from minval up to maxval, without it. Whole numbers need a maxval."""
    if maxval is None:
        if not _core.as_dtype(dtype).is_floating:
            raise ValueError(f"Must specify maxval for integer dtype {_core.as_dtype(dtype)!r}")
        maxval = 1
    return _draw(_core._seeded_uniform, shape, dtype, minval, maxval, seed, name)


def random_shuffle(value: Any, seed: int | None = None, name: str | None = None) -> _core.Tensor:
    """Returns the rows in a random order."""
    return _core._seeded_shuffle(value, *op_seeds(seed), name)


def multinomial(logits: Any, num_samples: int, seed: int | None = None, name: str | None = None,
                output_dtype: Any = None) -> _core.Tensor:
    """Returns classes, [batch, num_samples], each as probable as softmax(logits) says."""
    return _core._seeded_multinomial(logits, num_samples, *op_seeds(seed), output_dtype, name)


def categorical(logits: Any, num_samples: int, dtype: Any = None, seed: int | None = None,
                name: str | None = None) -> _core.Tensor:
    """Returns the same."""
    return multinomial(logits, num_samples, seed, name, dtype)
