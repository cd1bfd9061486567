"""Ops of batches, and of what is repeated: tf.batch_gather, tf.repeat, tf.linalg.matvec."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.arrays import gather, reshape
from varscope.checks import checked
from varscope.counting import reduce_all
from varscope.ops import convert_to_tensor, expand_dims
from varscope.products import matmul
from varscope.ranges import range as range_
from varscope.scopes import name_scope
from varscope.shaping import checked_axis, rank


def batch_gather(params: Any, indices: Any, name: str | None = None) -> _core.Tensor:
    """Returns for each of a batch the rows that its indices number. ValueError where a rank is not
    known. A run raises InvalidArgumentError for an index that its part of the batch has no row of."""
    with name_scope(name, "BatchGather", [params, indices]):
        params, indices = convert_to_tensor(params), convert_to_tensor(indices)
        leading = rank(indices) - 1
        if leading == 0:
            return gather(params, indices)
        known, own = params.shape.as_list(), indices.shape.as_list()
        shape, sizes = _core.shape(params), _core.shape(indices)
        rest = _parts(shape, leading + 1, len(known))
        flat = reshape(params, [-1, *rest])
        # One that is too large would be a row of the next part of the batch.
        rows = _core.cast(shape[leading], indices.dtype)
        there = reduce_all(_core.logical_and(_core.greater_equal(indices, 0),
                                             _core.less(indices, rows)))
        indices = checked(indices, there, "an_index_is_out_of_range")
        groups = reshape(indices, [-1, sizes[leading]])
        offsets = expand_dims(range_(_core.shape(groups)[0]) * shape[leading], 1)
        taken = _core._gather(flat, groups + _core.cast(offsets, groups.dtype), None)
        made = reshape(taken, [*_parts(sizes, 0, leading + 1), *rest])
        made.set_shape([*own, *known[leading + 1:]])
        return made


def _parts(shape: Any, first: int, last: int) -> list[Any]:
    return [shape[i] for i in range(first, last)]


def matvec(a: Any, b: Any, transpose_a: bool = False, adjoint_a: bool = False,
           a_is_sparse: bool = False, b_is_sparse: bool = False,
           name: str | None = None) -> _core.Tensor:
    """a * b, of matrices and vectors or of batches of them."""
    with name_scope(name, "MatVec", [a, b]):
        product = matmul(a, expand_dims(b, -1), transpose_a, adjoint_a=adjoint_a)
        return _core.squeeze(product, [-1])


def repeat(input: Any, repeats: int, axis: int | None = None,
           name: str | None = None) -> _core.Tensor:
    """Returns each element, or each slice along an axis, so many times. NotImplementedError for numbers
    of their own for each."""
    if not hasattr(repeats, "__index__"):
        raise NotImplementedError("repeat: varscope repeats all elements by one number")
    with name_scope(name, "Repeat", [input]):
        x = convert_to_tensor(input)
        if axis is None:
            x, axis = _core.reshape(x, [-1]), 0
        at = checked_axis(axis, rank(x))
        count, known = int(repeats), x.shape.as_list()
        copies = [1] * (at + 1) + [count] + [1] * (len(known) - at - 1)
        wide = _core.tile(expand_dims(x, at + 1), copies)
        shape = _parts(_core.shape(x), 0, len(known))
        made = reshape(wide, [*shape[:at], shape[at] * count, *shape[at + 1:]])
        own = None if known[at] is None else known[at] * count
        made.set_shape([*known[:at], own, *known[at + 1:]])
        return made
