"""What indexes a tensor: x[1], x[:, 0:3], x[..., None], x[i], x[::-1], x[mask]; and tf.slice."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core
from varscope.checks import checked
from varscope.counting import reduce_all
from varscope.numbers_ import is_symbolic, numbers
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope
from varscope.shaping import checked_axis, rank


def strided_slice(input_: Any, begin: Any, end: Any, strides: Any = None, begin_mask: int = 0,
                  end_mask: int = 0, ellipsis_mask: int = 0, new_axis_mask: int = 0,
                  shrink_axis_mask: int = 0, var: None = None,
                  name: str | None = None) -> _core.Tensor:
    """Returns input_[begin:end:strides], an entry of the three for each dimension."""
    begin, end = numbers(begin), numbers(end)
    if strides is None:
        strides = _core.ones_like(begin) if is_symbolic(begin) else [1] * len(begin)
    begin, end, strides = _of_one_dtype([begin, end, numbers(strides)])
    return _core._strided_slice(input_, begin, end, strides, begin_mask, end_mask, ellipsis_mask,
                                new_axis_mask, shrink_axis_mask, name)


def _of_one_dtype(lists: list[Any]) -> list[Any]:
    """int64 where one of the lists is."""
    wide = any(is_symbolic(x) and x.dtype == "int64" for x in lists)
    if not wide:
        return lists
    return [_core.cast(x, "int64") if is_symbolic(x) else _core._constant(x, "int64", None)
            for x in lists]


def getitem(x: Any, key: Any) -> _core.Tensor:
    """Returns the part of a tensor. ValueError for more indices than dimensions."""
    if _is_mask(key):
        return boolean_mask(x, key)
    keys = list(key) if isinstance(key, tuple) else [key]
    if x.shape.ndims is not None:
        used = sum(1 for k in keys if k is not Ellipsis and k is not None)
        if used > x.shape.ndims:
            raise ValueError(f"Index out of range: {used} indices for a tensor of shape {x.shape}, "
                             f"which has only {x.shape.ndims} dims")
    masks = {"begin_mask": 0, "end_mask": 0, "ellipsis_mask": 0, "new_axis_mask": 0,
             "shrink_axis_mask": 0}
    begin, end, strides = [], [], []
    for place, k in enumerate(keys):
        first, last, step = 0, 0, 1
        if k is Ellipsis:
            masks["ellipsis_mask"] |= 1 << place
        elif k is None:
            masks["new_axis_mask"] |= 1 << place
        elif isinstance(k, slice):
            first, last, step = (_entry(part) for part in (k.start, k.stop, k.step))
            masks["begin_mask"] |= (first is None) << place
            masks["end_mask"] |= (last is None) << place
            first, last, step = first or 0 if not is_symbolic(first) else first, (
                last if is_symbolic(last) else last or 0), 1 if step is None else step
        else:
            first, last = _entry(k), _next(_entry(k))
            masks["shrink_axis_mask"] |= 1 << place
        begin.append(first)
        end.append(last)
        strides.append(step)
    with name_scope("strided_slice") as scope:
        return strided_slice(x, begin, end, strides, **masks, name=scope)


def _is_mask(key: Any) -> bool:
    if is_symbolic(key):
        return key.dtype == "bool"
    return isinstance(key, np.ndarray) and key.dtype == bool


def _entry(k: Any) -> Any:
    """TypeError for what is neither a number nor a tensor."""
    if k is None or (is_symbolic(k) and k.dtype.is_integer):
        return k
    value = k.item() if isinstance(k, (np.ndarray, np.generic)) and k.ndim == 0 else k
    if is_symbolic(k) or isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and "
                        f"scalar tensors are valid indices, got {k!r}")
    return value.__index__()


def _next(index: Any) -> Any:
    return _core.add(index, 1) if is_symbolic(index) else index + 1


def slice_(input_: Any, begin: Any, size: Any, name: str | None = None) -> _core.Tensor:
    """Returns the part of this size from `begin`; a size of -1 goes to the end."""
    begin, size = numbers(begin), numbers(size)
    if not is_symbolic(begin) and not is_symbolic(size):
        return _core.slice(input_, begin, size, name)
    x = convert_to_tensor(input_)
    with name_scope(name, "Slice", [x]) as scope:
        known = None if is_symbolic(size) else list(size)
        begin, size = _of_one_dtype([begin, size])
        fits = _is_inside(x, begin, size)
        if is_symbolic(begin):
            begin = checked(begin, fits, "begin_and_size_are_out_of_bounds")
        else:
            size = checked(size, fits, "begin_and_size_are_out_of_bounds")
        end = _core.add(begin, size)
        mask = 0
        if is_symbolic(size):
            whole = _core.shape(x, None, size.dtype)
            end = _core._where(_core.less(size, _core.zeros_like(size)), whole, end, None)
        else:
            mask = sum(1 << place for place, n in enumerate(known or []) if n == -1)
        made = strided_slice(x, begin, end, end_mask=mask, name=scope)
        if known is not None:
            made.set_shape([None if n == -1 else n for n in known])
        return made


def _is_inside(x: _core.Tensor, begin: Any, size: Any) -> _core.Tensor:
    """Whether x has all of the part, of which a size of -1 goes to the end."""
    begin, size = convert_to_tensor(begin), convert_to_tensor(size)
    whole = _core.shape(x, None, begin.dtype)
    ends = _core.logical_or(_core.equal(size, -1), _core.logical_and(
        _core.greater_equal(size, 0), _core.less_equal(_core.add(begin, size), whole)))
    starts = _core.logical_and(_core.greater_equal(begin, 0), _core.less_equal(begin, whole))
    return reduce_all(_core.logical_and(starts, ends))


def boolean_mask(tensor: Any, mask: Any, name: str = "boolean_mask",
                 axis: int | None = None) -> _core.Tensor:
    """Returns the elements, or rows, at which the mask is true. ValueError for a mask of an unknown
    rank or of another shape than the tensor begins with."""
    with name_scope(name, values=[tensor, mask]):
        tensor, mask = convert_to_tensor(tensor), convert_to_tensor(mask)
        if axis not in (None, 0):
            return _masked_along(tensor, mask, axis)
        if mask.shape.ndims is None:
            raise ValueError("Number of mask dimensions must be specified, even if some dimensions "
                             "are None")
        if mask.shape.ndims == 0:
            raise ValueError("mask cannot be scalar.")
        if not tensor.shape[:mask.shape.ndims].is_compatible_with(mask.shape):
            raise ValueError(f"Shapes {tensor.shape[:mask.shape.ndims]} and {mask.shape} are "
                             "incompatible")
        rows = tensor
        # Its gradient is that of the reshape, which is whole, as TensorFlow's: of rows alone it would
        # leave the others of a variable without their momentum.
        if tensor.shape.ndims is not None:
            rest = tensor.shape.as_list()[mask.shape.ndims:]
            sizes = [_core.shape(tensor)[mask.shape.ndims + i] if n is None else n
                     for i, n in enumerate(rest)]
            shape = numbers([-1, *sizes])
            rows = (_core._reshape_to(tensor, shape, None) if is_symbolic(shape)
                    else _core.reshape(tensor, shape))
        places = _core.squeeze(_core._where_true(_core.reshape(mask, [-1])), [1])
        return _core._gather(rows, places, None)


def _masked_along(tensor: Any, mask: Any, axis: int) -> _core.Tensor:
    """The slices along an axis, or along as many as the mask has from there, at which it is true."""
    count = rank(tensor)
    at, masked = checked_axis(axis, count), rank(mask)
    front, rest = [*range(at, at + masked)], [*range(at), *range(at + masked, count)]
    made = boolean_mask(_core.transpose(tensor, [*front, *rest]), mask)
    order = [*range(1, at + 1), 0, *range(at + 1, count - masked + 1)]
    return _core.transpose(made, order)


for _class in (_core.Tensor, _core.Variable):
    _class.__getitem__ = getitem
