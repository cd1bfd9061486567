"""Ops whose arguments Python has otherwise than the client, and the operators of tensors.

The others are the client's own functions: varscope._core.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np

from varscope import _core
from varscope import shapes
from varscope.scopes import name_scope, op_of
from varscope.slices import IndexedSlices, shaped_like
from varscope.strings.tensors import (StringTensor, bytes_of, is_string, is_text, text_constant,
                                      text_placeholder, to_text)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None,
             verify_shape: bool = False) -> _core.Tensor:
    """Returns the value; with a shape, repeated or reshaped to it."""
    if is_text(value) or (dtype is not None and is_string(dtype)):
        return _texts(value, shape, name)
    if shape is not None:
        value, dtype = _filled(value, dtype, shapes.TensorShape(shape).as_list(), verify_shape)
    return _core._constant(value, dtype, name)


def _texts(value: Any, shape: Any, name: str | None) -> Any:
    dims = None if shape is None else shapes.TensorShape(shape).as_list()
    return text_constant(value if dims is None else np.broadcast_to(bytes_of(value), dims), name)


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> _core.Tensor:
    """Returns a tensor that a run is fed."""
    if is_string(dtype):
        return text_placeholder(shape, name)  # type: ignore[return-value]
    return _core.placeholder(dtype, shape, name)


def _filled(value: Any, dtype: Any, shape: list[int], exact: bool) -> tuple[np.ndarray, Any]:
    typed = isinstance(value, (np.ndarray, np.generic))
    array = np.asarray(value)
    if dtype is None and not typed:
        dtype = {"f": "float32", "i": "int32"}.get(array.dtype.kind)
    count = int(np.prod(shape, dtype=np.int64))
    if exact and list(array.shape) != shape:
        raise TypeError(f"Expected Tensor's shape: {tuple(shape)}, got {array.shape}.")
    if array.size > count or (array.size == 0 and count > 0):
        raise ValueError(f"Too many elements provided. Needed at most {count}, but received "
                         f"{array.size}")
    # As TensorFlow 1: the last element fills what is missing.
    flat = array.ravel()
    rest = np.repeat(flat[-1:], count - flat.size)
    return np.concatenate([flat, rest]).reshape(shape), dtype


def convert_to_tensor(value: Any, dtype: Any = None, name: str | None = None,
                      preferred_dtype: Any = None) -> _core.Tensor:
    """Returns a tensor itself, a variable's value, or a constant. ValueError for None."""
    if value is None:
        raise ValueError("None values not supported.")
    if is_text(value):
        given = isinstance(value, (list, tuple, StringTensor))
        return to_text(value, name) if given else text_constant(value, name)
    if isinstance(value, (_core.Tensor, _core.Variable)):
        tensor = _core._convert_to_tensor(value, None, name)
        if dtype is not None and tensor.dtype != dtype:
            raise ValueError(f"Tensor conversion requested dtype {_core.as_dtype(dtype).name} for "
                             f"Tensor with dtype {tensor.dtype.name}: {tensor!r}")
        return tensor
    if isinstance(value, IndexedSlices):
        return convert_to_tensor(value.to_dense(), dtype, name)
    return _core._convert_to_tensor(
        value if dtype is None else _typed(value, dtype), dtype, name)


def _typed(value: Any, dtype: Any) -> Any:
    """Python's numbers as an array, which has a dtype; lists of tensors as they are."""
    if isinstance(value, float) and not isinstance(value, np.floating) and (
            _core.as_dtype(dtype).is_integer):
        raise TypeError(f"Expected {_core.as_dtype(dtype).name}, got {value!r} of type 'float' "
                        "instead.")
    listed = isinstance(value, (list, tuple))
    return value if listed or np.ndim(value) else np.asarray(value)


def expand_dims(input: Any, axis: Any = None, name: str | None = None,
                dim: Any = None) -> _core.Tensor:
    """Returns the input with a dimension of 1 at `axis`, a number or a list of one."""
    at = dim if axis is None else axis
    if at is None:
        raise ValueError("Must specify an axis argument to tf.expand_dims()")
    if isinstance(at, (list, tuple)):
        if len(at) != 1:
            raise ValueError(f"tf.expand_dims: 'axis' must be one number, but is {at!r}")
        [at] = at
    return _core._expand_dims(input, at, name)


def concat(values: Any, axis: int, name: str | None = None) -> _core.Tensor:
    """Returns the values one after the other along `axis`."""
    listed = isinstance(values, (list, tuple))
    return _core._concat(values if listed else [values], axis, name)


def group(*inputs: Any, name: str | None = None) -> _core.Operation:
    """Returns an op that runs all of these."""
    return _core._group([op_of(x) for x in _flat(inputs)], name)


def _flat(inputs: Any) -> Iterable[Any]:
    """The items of lists in lists, without None."""
    for item in inputs:
        if isinstance(item, (list, tuple)):
            yield from _flat(item)
        elif item is not None:
            yield item


def gradients(ys: Any, xs: Any, grad_ys: Any = None, name: str | None = None,
              colocate_gradients_with_ops: bool = False, gate_gradients: bool = False,
              aggregation_method: Any = None, stop_gradients: Any = None,
              unconnected_gradients: Any = "none") -> list[Any]:
    """Returns d(sum of ys)/dx for each of xs: a tensor, IndexedSlices, or None where no y depends
    on x, or zeros with UnconnectedGradients.ZERO. Those of stop_gradients count as constant."""
    missing = getattr(unconnected_gradients, "value", unconnected_gradients)
    if missing not in ("none", "zero"):
        raise ValueError(f"Unknown value for unconnected_gradients: {unconnected_gradients!r}; give "
                         "'none' or 'zero'")
    ys, xs, grad_ys = _listed(ys), _listed(xs), None if grad_ys is None else _listed(grad_ys)
    # What a variable is computed from is nothing: there is nothing to stop.
    stops = [] if stop_gradients is None else [
        x for x in _listed(stop_gradients) if not isinstance(x, _core.Variable)]
    tensors = [x for x in [*ys, *xs] if isinstance(x, _core.Tensor)]
    with contextlib.nullcontext() if name is None else name_scope(name, values=tensors):
        made = shaped_like(_gradients(ys, xs, grad_ys, stops), xs)
        if missing == "none":
            return made
        return [_core.zeros_like(x) if gradient is None else gradient
                for gradient, x in zip(made, xs)]


def _gradients(ys: list[Any], xs: list[Any], grad_ys: list[Any] | None,
               stops: list[Any]) -> list[Any]:
    if all(isinstance(x, _core.Variable) for x in xs) and grad_ys is None and not stops:
        return _core.gradients_of_variables(ys, xs)
    values = [x._unordered_value() if isinstance(x, _core.Variable) else x for x in xs]
    return _core.gradients_of_tensors(ys, values, grad_ys, stops)


def _listed(x: Any) -> list[Any]:
    return list(x) if isinstance(x, (list, tuple)) else [x]


def clip_by_global_norm(t_list: Iterable[Any], clip_norm: Any, use_norm: Any = None,
                        name: str | None = None) -> tuple[list[Any], _core.Tensor]:
    """Returns the gradients, scaled so that their common L2 norm is at most clip_norm, and that
    norm before; or `use_norm`, if that is known already."""
    given = list(t_list)
    if use_norm is None:
        clipped, norm = _core._clip_by_global_norm(given, clip_norm, name)
        return shaped_like(clipped, given), norm
    with name_scope(name, "clip_by_global_norm"):
        norm = convert_to_tensor(use_norm)
        scale = _core.divide(clip_norm, _core.maximum(norm, _core.cast(clip_norm, norm.dtype)))
        return [_scaled(x, scale) for x in given], norm


def _scaled(x: Any, scale: _core.Tensor) -> Any:
    """A gradient times a number."""
    if x is None:
        return None
    if isinstance(x, IndexedSlices):
        return IndexedSlices(_core.multiply(x.values, scale), x.indices, x.dense_shape)
    return _core.multiply(x, scale)


def _refused(what: str) -> Any:
    def method(self: Any) -> NoReturn:
        raise TypeError(what)
    return method


def _no_array(self: Any, *_: Any, **__: Any) -> NoReturn:
    raise NotImplementedError(f"Cannot convert a symbolic tensor ({self.name}) to a numpy array.")


def _named(function: Any, name: str) -> Any:
    """A function whose op TensorFlow calls otherwise where an operator makes it."""
    def operator(x: Any, y: Any) -> _core.Tensor:
        return function(x, y, name=name)
    return operator


def _of_bools_or_bits(logical: Any, bitwise: Any, name: str) -> Any:
    """The operator of bools, and of the bits of integers."""
    def operator(x: Any, y: Any) -> _core.Tensor:
        tensor = x if isinstance(x, (_core.Tensor, _core.Variable)) else y
        if tensor.dtype == "bool":
            return logical(x, y, name)
        with name_scope(name):
            return bitwise(x, y)
    return operator


def _not(x: Any) -> _core.Tensor:
    return _core.logical_not(x) if x.dtype == "bool" else _core.invert(x)


_BINARY = {
    "add": _core._operator_add,
    "sub": _core._operator_sub,
    "mul": _core._operator_mul,
    "truediv": _core.divide,
    "floordiv": _core.floordiv,
    "pow": _named(_core.pow, "pow"),
    "matmul": _named(_core.matmul, "matmul"),
    "mod": _named(_core.floormod, "mod"),
    "and": _of_bools_or_bits(_core.logical_and, _core.bitwise_and, "and"),
    "or": _of_bools_or_bits(_core.logical_or, _core.bitwise_or, "or"),
    "xor": _of_bools_or_bits(_core.logical_xor, _core.bitwise_xor, "xor"),
}
_COMPARISONS = {
    "lt": _core.less,
    "le": _core.less_equal,
    "gt": _core.greater,
    "ge": _core.greater_equal,
}
_UNARY = {"neg": _core.negative, "abs": _core.abs, "invert": _not}


def _of_both(function: Any, x: Any, y: Any) -> _core.Tensor:
    """What an operator gives. TypeError for tensors of two dtypes, as TensorFlow."""
    try:
        return function(x, y)
    except ValueError:
        first, second = (getattr(part, "dtype", None) for part in (x, y))
        if not (isinstance(first, _core.DType) and isinstance(second, _core.DType)
                and first != second):
            raise
        raise TypeError(
            f"{x!r} and {y!r} do not go together: one is {first.name}, the other {second.name}. "
            f"tf.cast() makes them of one dtype.") from None


def _binary(function: Any) -> Any:
    def method(self: Any, other: Any) -> _core.Tensor:
        return _of_both(function, self, other)
    return method


def _reflected(function: Any) -> Any:
    def method(self: Any, other: Any) -> _core.Tensor:
        return _of_both(function, other, self)
    return method


def _unary(function: Any) -> Any:
    def method(self: Any) -> _core.Tensor:
        return function(self)
    return method


def _operators(cls: Any) -> None:
    for name, function in _BINARY.items():
        setattr(cls, f"__{name}__", _binary(function))
        setattr(cls, f"__r{name}__", _reflected(function))
    for name, function in _COMPARISONS.items():
        setattr(cls, f"__{name}__", _binary(function))
    for name, function in _UNARY.items():
        setattr(cls, f"__{name}__", _unary(function))
    cls.__array__ = _no_array
    # NumPy's operators leave it to the tensor's.
    cls.__array_priority__ = 100
    cls.__array_ufunc__ = None


for _class in (_core.Tensor, _core.Variable):
    _operators(_class)
for _class in (_core.Tensor, _core.Variable):
    _class.__bool__ = _refused(
        "Using a `tf.Tensor` as a Python `bool` is not allowed. Use `if t is not None:` instead of "
        "`if t:` to test if a tensor is defined, and run it in a Session for its value.")
_core.Tensor.__iter__ = _refused("'Tensor' object is not iterable.")
_core.Tensor.__len__ = _refused(
    "len is not well defined for a symbolic Tensor. Please call `x.shape` rather than `len(x)` for "
    "shape information.")
