"""tf.cast and its like: the same elements as another dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """Returns the elements, of a sparse tensor its values, as this dtype."""
    from varscope.slices import IndexedSlices
    from varscope.sparse import SparseTensor
    if isinstance(x, SparseTensor):
        return SparseTensor(x.indices, _core.cast(x.values, dtype, name), x.dense_shape)
    if isinstance(x, IndexedSlices):
        return IndexedSlices(_core.cast(x.values, dtype, name), x.indices, x.dense_shape)
    return _core.cast(x, dtype, name)


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> _core.Tensor:
    """The same, where what does not fit is the nearest number that does."""
    with name_scope(name, "saturate_cast", [value]) as scope:
        value, dtype = convert_to_tensor(value), _core.as_dtype(dtype)
        there, here = (np.iinfo if kind.is_integer else np.finfo for kind in (dtype, value.dtype))
        wide, own = there(dtype.as_numpy_dtype), here(value.dtype.as_numpy_dtype)
        low, high = max(wide.min, own.min), min(wide.max, own.max)
        kept = value
        if low > own.min:
            kept = _core.maximum(kept, np.asarray(low, value.dtype.as_numpy_dtype))
        if high < own.max:
            kept = _core.minimum(kept, np.asarray(high, value.dtype.as_numpy_dtype))
        return _core.cast(kept, dtype, scope)


def to_float(x: Any, name: str = "ToFloat") -> Any:
    """As float32."""
    return cast(x, "float32", name)


def to_double(x: Any, name: str = "ToDouble") -> Any:
    """As float64."""
    return cast(x, "float64", name)


def to_int32(x: Any, name: str = "ToInt32") -> Any:
    """As int32."""
    return cast(x, "int32", name)


def to_int64(x: Any, name: str = "ToInt64") -> Any:
    """As int64."""
    return cast(x, "int64", name)


def to_bfloat16(x: Any, name: str = "ToBFloat16") -> Any:
    """As bfloat16."""
    return cast(x, "bfloat16", name)


def _limits(dtype: _core.DType, which: str) -> Any:
    """NumPy's description of the numbers. TypeError for a dtype that has no largest one."""
    numpy = np.dtype(dtype.as_numpy_dtype)
    if dtype.is_integer:
        return np.iinfo(numpy)
    if dtype.name in ("float16", "float32", "float64"):
        return np.finfo(numpy)
    raise TypeError(f"Cannot find {which} value of {dtype!r}.")


def _least(self: _core.DType) -> Any:
    """The smallest number that it has."""
    return _limits(self, "minimum").min


def _largest(self: _core.DType) -> Any:
    """The largest number that it has."""
    return _limits(self, "maximum").max


_core.DType.min = property(_least, doc=_least.__doc__)
_core.DType.max = property(_largest, doc=_largest.__doc__)
