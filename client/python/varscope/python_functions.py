"""tf.py_func: functions of arrays as ops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from varscope import _core
from varscope.ops import convert_to_tensor
from varscope.strings.tensors import Computed, StringTensor, bytes_of, is_string, outputs


def py_func(func: Callable[..., Any], inp: Sequence[Any], Tout: Any, stateful: bool = True,
            name: str | None = None) -> Any:
    """Returns what a function makes of the tensors' arrays: a tensor of the dtype Tout, or a list.

    The tensors' values are those of a run of their own, before the one that needs the result.
    There is no gradient.
    """
    several = isinstance(Tout, (list, tuple))
    dtypes = [x if is_string(x) else _core.as_dtype(x) for x in (Tout if several else [Tout])]

    def call(*arrays: Any) -> list[Any]:
        made = func(*arrays)
        parts = list(made) if isinstance(made, (list, tuple)) and (
            several or len(made) == 1) else [made]
        if len(parts) != len(dtypes):
            raise ValueError(f"py_func: the function gives {len(parts)} values, not {len(dtypes)}")
        return [_array(part, dtype) for part, dtype in zip(parts, dtypes)]

    tensors = [x if isinstance(x, StringTensor) else convert_to_tensor(x) for x in inp]
    made = outputs(Computed(call, tensors), [(dtype, None) for dtype in dtypes],
                   name or ("PyFunc" if stateful else "PyFuncStateless"))
    return made if several else made[0]


def _array(value: Any, dtype: Any) -> Any:
    if is_string(dtype):
        return bytes_of(value)
    array = np.asarray(value)
    if array.dtype != dtype.as_numpy_dtype and not (
            np.isscalar(value) or isinstance(value, (list, tuple))):
        raise ValueError(f"py_func: the function gives {array.dtype}, not {dtype.name}")
    return array.astype(dtype.as_numpy_dtype)
