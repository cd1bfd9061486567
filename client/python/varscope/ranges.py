"""tf.range: numbers from one to another, of which the graph knows how many where it knows the numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from varscope import _core
from varscope.numbers_ import is_symbolic
from varscope.ops import convert_to_tensor

# As NumPy, and TensorFlow's range, find a common one.
_DTYPES = ["int32", "int64", "float32", "float64"]


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None,
          name: str | None = None) -> _core.Tensor:
    """Returns start, start + delta and so on, before limit; from 0 where there is one number.
    ValueError for a delta of 0, and for one that leads away from the limit."""
    if limit is None:
        start, limit = 0, start
    given = (start, limit, delta)
    tensors = [part if is_symbolic(part) else convert_to_tensor(part, dtype) for part in given]
    if dtype is None:
        dtype = max((tensor.dtype.name for tensor in tensors), key=_DTYPES.index)
    known = None
    if not any(is_symbolic(part) or np.ndim(part) for part in given):
        known = _count(*(_as(part, tensor.dtype, dtype) for part, tensor in zip(given, tensors)))
    made = _core._range(*(x if x.dtype == dtype else _core.cast(x, dtype) for x in tensors), name)
    if known is not None:
        made.set_shape([known])
    return made


def _as(number: Any, own: _core.DType, dtype: Any) -> Any:
    """A number as the op has it: it is a tensor of its own dtype first."""
    numpy = _core.as_dtype(dtype).as_numpy_dtype
    value = np.asarray(number).astype(own.as_numpy_dtype).astype(numpy)[()]
    return int(value) if isinstance(value, np.integer) else value


def _count(start: Any, limit: Any, delta: Any) -> int:
    """How many there are, as the kernel counts: of floats in their own precision."""
    if delta == 0:
        raise ValueError("Requires delta != 0: 0")
    if not (start <= limit if delta > 0 else start >= limit):
        raise ValueError(f"Requires start {'<=' if delta > 0 else '>='} limit when delta "
                         f"{'>' if delta > 0 else '<'} 0: {start}/{limit}")
    if isinstance(start, int):
        return -((start - limit) // delta)
    with np.errstate(over="ignore", invalid="ignore"):
        steps = abs((limit - start) / delta)
    if not steps < 2.0**63:
        raise ValueError(f"Requires ((limit - start) / delta) <= {2**63 - 1}: {start}/{limit}/{delta}")
    return math.ceil(steps)
