"""Tensors of numbers and of truths that are made of other ops."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core
from varscope.feeders import Run, Source, feed_from
from varscope.numbers_ import is_symbolic
from varscope.ops import convert_to_tensor
from varscope.scopes import control_dependencies, name_scope
from varscope.shapes import TensorShape
from varscope.shaping import checked_axes, flat_numbers, rank
from varscope.slices import IndexedSlices


def _number(x: Any, what: str) -> Any:
    if isinstance(x, (_core.Tensor, _core.Variable)):
        raise NotImplementedError(f"{what}: varscope needs numbers when the graph is built")
    return x


def linspace(start: Any, stop: Any, num: int, name: str | None = None) -> _core.Tensor:
    """Returns `num` numbers from start to stop."""
    first, last = _number(start, "linspace"), _number(stop, "linspace")
    [count] = flat_numbers(num, "linspace")
    if count < 1:
        raise ValueError(f"Requires num > 0: {count}")
    dtype = convert_to_tensor(first).dtype
    kind = np.float64 if dtype.is_integer else dtype.as_numpy_dtype
    return _core._constant(np.linspace(first, last, count).astype(kind), None, name)


def count_nonzero(input_tensor: Any, axis: Any = None, keepdims: bool | None = None,
                  dtype: Any = "int64", name: str | None = None, reduction_indices: Any = None,
                  keep_dims: bool | None = None) -> _core.Tensor:
    """Returns how many elements are not 0."""
    tensor = convert_to_tensor(input_tensor)
    used = _core.cast(_core.not_equal(tensor, _core.zeros_like(tensor)), "int64")
    total = _core.reduce_sum(used, axis, keepdims, None, reduction_indices, keep_dims)
    return _core.cast(total, dtype, name)


def reduce_variance(input_tensor: Any, axis: Any = None, keepdims: bool = False,
                    name: str | None = None) -> _core.Tensor:
    """Returns the mean of the squares of what elements differ from their mean."""
    with name_scope(name, "reduce_variance", [input_tensor]):
        tensor = convert_to_tensor(input_tensor)
        mean = _core.reduce_mean(tensor, axis, True)
        return _core.reduce_mean(_core.square(tensor - mean), axis, keepdims)


def reduce_std(input_tensor: Any, axis: Any = None, keepdims: bool = False,
               name: str | None = None) -> _core.Tensor:
    """Returns the root of the variance."""
    with name_scope(name, "reduce_std", [input_tensor]):
        return _core.sqrt(reduce_variance(input_tensor, axis, keepdims))


def _truths(reduce: Any, input_tensor: Any, axis: Any, keepdims: Any, name: str,
            reduction_indices: Any, keep_dims: Any) -> _core.Tensor:
    """What a reduction of zeros and ones says of truths. TypeError for what are none."""
    truths = convert_to_tensor(input_tensor)
    if truths.dtype != "bool":
        raise TypeError(f"Input 'input' of '{name}' Op has type {truths.dtype.name} that does not "
                        "match expected type of bool.")
    ones = _core.cast(truths, "float32")
    found = reduce(ones, axis, keepdims, None, reduction_indices, keep_dims)
    return _core.cast(found, "bool", name)


def reduce_all(input_tensor: Any, axis: Any = None, keepdims: bool | None = None,
               name: str | None = None, reduction_indices: Any = None,
               keep_dims: bool | None = None) -> _core.Tensor:
    """Returns whether all elements are true."""
    return _truths(_core.reduce_min, input_tensor, axis, keepdims, name or "All",
                   reduction_indices, keep_dims)


def reduce_any(input_tensor: Any, axis: Any = None, keepdims: bool | None = None,
               name: str | None = None, reduction_indices: Any = None,
               keep_dims: bool | None = None) -> _core.Tensor:
    """Returns whether one element is true."""
    # Of nothing the sum is 0: there is none that is true.
    return _truths(_core.reduce_sum, input_tensor, axis, keepdims, name or "Any",
                   reduction_indices, keep_dims)


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> _core.Tensor:
    """Returns x times a number."""
    return _core.multiply(scalar, x, name)


def accumulate_n(inputs: Any, shape: Any = None, tensor_dtype: Any = None,
                 name: str | None = None) -> _core.Tensor:
    """Returns the sum of the inputs."""
    return _core.add_n(inputs, name)


def tuple_(tensors: Any, name: str | None = None, control_inputs: Any = None) -> list[Any]:
    """Returns the tensors, none of which is there before all are computed."""
    with name_scope(name, "tuple"):
        after = [x for x in [*tensors, *(control_inputs or [])] if x is not None]
        with control_dependencies(after):
            return [None if x is None else _core.identity(x, "control_dependency")
                    for x in tensors]


def div(x: Any, y: Any, name: str | None = None) -> _core.Tensor:
    """Returns x / y; of whole numbers the whole number below it, as Python 2 did."""
    symbolic = [z for z in (x, y) if isinstance(z, (_core.Tensor, _core.Variable))]
    dtype = symbolic[0].dtype if symbolic else convert_to_tensor(x).dtype
    return (_core.floordiv if dtype.is_integer else _core.divide)(x, y, name or "div")


def zeros_like(tensor: Any, dtype: Any = None, name: str | None = None,
               optimize: bool = True) -> _core.Tensor:
    """Returns zeros of the shape of a tensor."""
    return _core.zeros_like(tensor, dtype, name)


def ones_like(tensor: Any, dtype: Any = None, name: str | None = None,
              optimize: bool = True) -> _core.Tensor:
    """Returns ones of the shape of a tensor."""
    return _core.ones_like(tensor, dtype, name)


def cross(a: Any, b: Any, name: str | None = None) -> _core.Tensor:
    """Returns the products of vectors of three elements, the last dimension."""
    with name_scope(name, "Cross") as scope:
        a, b = convert_to_tensor(a), convert_to_tensor(b)
        for side in (a, b):
            if rank(side) == 0 or side.shape.as_list()[-1] not in (None, 3):
                raise ValueError(f"Cross-products are only defined for 3-element vectors: {side!r}")
        x, y, z = (a[..., i:i + 1] for i in range(3))
        u, v, w = (b[..., i:i + 1] for i in range(3))
        return _core._concat([y * w - z * v, z * u - x * w, x * v - y * u], -1, scope)


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> _core.Tensor:
    """Sums over products along these axes: a number of the last of a and the first of b, or lists."""
    a, b = convert_to_tensor(a), convert_to_tensor(b)
    of_a, of_b = rank(a), rank(b)
    dims_a, dims_b = a.shape.as_list(), b.shape.as_list()
    if isinstance(axes, int):
        if not 0 <= axes <= min(of_a, of_b):
            raise ValueError(f"'axes' must be in [0, {min(of_a, of_b)}], got {axes}")
        over_a, over_b = list(range(len(dims_a) - axes, len(dims_a))), list(range(axes))
    else:
        over_a, over_b = ([x] if isinstance(x, int) else list(x) for x in axes)
    over_a, over_b = checked_axes(over_a, of_a), checked_axes(over_b, of_b)
    if len(over_a) != len(over_b):
        raise ValueError(f"Different number of contraction axes, {over_a} and {over_b}")
    free_a = [i for i in range(len(dims_a)) if i not in over_a]
    free_b = [i for i in range(len(dims_b)) if i not in over_b]
    pairs = [(dims_a[i], dims_b[j]) for i, j in zip(over_a, over_b)]
    summed = int(np.prod([n if m is None else m for m, n in pairs], dtype=np.int64)) if all(
        pair != (None, None) for pair in pairs) else None
    if summed is None:
        raise NotImplementedError("tensordot: varscope must know the dimensions that it sums over")
    left = _core.reshape(_core.transpose(a, free_a + over_a), [-1, summed])
    right = _core.reshape(_core.transpose(b, over_b + free_b), [summed, -1])
    dims = [dims_a[i] for i in free_a] + [dims_b[i] for i in free_b]
    product = _core.matmul(left, right)
    if dims.count(None) < 2:
        return _core.reshape(product, [-1 if n is None else n for n in dims], name)
    sizes = [_size(a, i) for i in free_a] + [_size(b, i) for i in free_b]
    return _core._reshape_to(product, _core.stack(sizes), name)


def _size(x: Any, axis: int) -> Any:
    """One dimension, as a tensor."""
    known = x.shape.as_list()[axis]
    return _core.shape(x)[axis] if known is None else _core._constant(known, "int32", None)


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """Scales a tensor so that its L2 norm is at most clip_norm; of IndexedSlices the rows."""
    if isinstance(t, IndexedSlices):
        return IndexedSlices(clip_by_norm(t.values, clip_norm, axes, name), t.indices,
                             t.dense_shape)
    with name_scope(name, "clip_by_norm", [t]) as scope:
        t = convert_to_tensor(t)
        squares = _core.reduce_sum(_core.square(t), axes, True)
        # The root has no gradient at 0.
        some = _core.greater(squares, 0)
        norm = _core._where(some, _core.sqrt(_core._where(
            some, squares, _core.ones_like(squares), None)), squares, None)
        return _core.divide(_core.multiply(t, clip_norm), _core.maximum(norm, clip_norm), scope)


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> _core.Tensor:
    """Scales a tensor so that its L2 norm, divided by the number of its elements, is at most
    clip_norm."""
    with name_scope(name, "clip_by_average_norm", [t]) as scope:
        t = convert_to_tensor(t)
        count = _core.cast(_core.size(t), t.dtype)
        mean = _core.divide(_core.sqrt(_core.reduce_sum(_core.square(t))), count)
        limit = _core.cast(clip_norm, t.dtype)
        return _core.multiply(t, _core.divide(limit, _core.maximum(mean, limit)), scope)


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any,
                  name: str | None = None) -> Any:
    """Returns each element, or the limit that it is beyond; of IndexedSlices those of the rows."""
    if isinstance(t, IndexedSlices):
        values = _core.clip_by_value(t.values, clip_value_min, clip_value_max, name)
        return IndexedSlices(values, t.indices, t.dense_shape)
    return _core.clip_by_value(t, clip_value_min, clip_value_max, name)


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> _core.Tensor:
    """Returns the input, unless a run is fed another value, which may have another size where the
    shape has None; an input that is a tensor says the shape."""
    name = name or "PlaceholderWithDefault"
    dims = TensorShape(shape)
    if is_symbolic(input) or dims.is_fully_defined():
        return _core.identity(convert_to_tensor(input), name)
    value = np.asarray(input)
    if not hasattr(input, "dtype"):
        value = value.astype(_NARROW.get(value.dtype.kind, value.dtype))
    if not dims.is_compatible_with(value.shape):
        raise ValueError(f"Shapes {dims} and {value.shape} are incompatible")
    return feed_from(Default(value), 0, _core.placeholder(value.dtype, shape, name))


# What TensorFlow takes Python's numbers for.
_NARROW = {"f": "float32", "i": "int32"}


class Default(Source):
    """The value of a placeholder that nobody feeds."""

    def __init__(self, value: np.ndarray) -> None:
        self.value = value

    def take(self, run: Run) -> list[Any]:
        return [self.value]
