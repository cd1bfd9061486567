"""Tensors most of whose elements are zero, as three tensors."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from varscope import _core, errors, shapes
from varscope.arrays import fill, ones, scatter_nd
from varscope.checks import checked
from varscope.counting import reduce_all
from varscope.ops import convert_to_tensor, expand_dims
from varscope.scopes import name_scope
from varscope.selecting import selected
from varscope.strings.tensors import StringTensor, computed, is_string


class SparseTensorValue(NamedTuple):
    """What a run gives for a SparseTensor, and takes for one."""

    indices: Any
    values: Any
    dense_shape: Any


class SparseTensor:
    """The elements that are not zero: their places [n, rank], their values [n], and the shape."""

    def __init__(self, indices: Any, values: Any, dense_shape: Any) -> None:
        int64 = _core.as_dtype("int64")
        self.indices = convert_to_tensor(indices, int64)
        self.values: Any = convert_to_tensor(values)
        self.dense_shape = convert_to_tensor(dense_shape, int64)

    @property
    def dtype(self) -> Any:
        return self.values.dtype

    @property
    def op(self) -> Any:
        return self.values.op

    @property
    def graph(self) -> _core.Graph:
        return self.indices.graph

    @property
    def shape(self) -> shapes.TensorShape:
        rank = self.dense_shape._dims
        return shapes.TensorShape([None] * rank[0] if rank and rank[0] >= 0 else None)

    def get_shape(self) -> shapes.TensorShape:
        """Returns what is known of the shape: how many dimensions there are."""
        return self.shape

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Returns its value in the session, or in the default one."""
        from varscope.session import session_for
        return session_for("eval()", session).run(self, feed_dict)

    def __mul__(self, other: Any) -> SparseTensor:
        """Times a number."""
        number = convert_to_tensor(other, self.values.dtype)
        if number.shape.ndims != 0:
            raise NotImplementedError("SparseTensor * x: varscope has it for one number x")
        return SparseTensor(self.indices, self.values * number, self.dense_shape)

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return (f"SparseTensor(indices={self.indices!r}, values={self.values!r}, "
                f"dense_shape={self.dense_shape!r})")


def sparse_placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> SparseTensor:
    """Returns a sparse tensor that a run is fed: a SparseTensorValue, or a tuple of its parts."""
    from varscope.strings.tensors import text_placeholder
    int64 = _core.as_dtype("int64")
    if isinstance(shape, _core.Tensor):
        rank = shape._dims[0] if shape._dims else -1
    else:
        known = shapes.dims_of(shape)
        rank = -1 if known is None else len(known)
    name = name or "Placeholder"
    make = text_placeholder if is_string(dtype) else (
        lambda dims, name: _core.placeholder(dtype, dims, name))
    return SparseTensor(_core.placeholder(int64, [-1, rank], f"{name}/indices"),
                        make([-1], f"{name}/values"),
                        _core.placeholder(int64, [rank], f"{name}/shape"))


def sparse_retain(sp_input: SparseTensor, to_retain: Any) -> SparseTensor:
    """Returns the elements for which `to_retain` is True."""
    from varscope.arrays import boolean_mask
    return SparseTensor(boolean_mask(sp_input.indices, to_retain),
                        boolean_mask(sp_input.values, to_retain), sp_input.dense_shape)


def from_dense(tensor: Any, name: str | None = None) -> SparseTensor:
    """Returns the elements that are not zero."""
    with name_scope(name, "dense_to_sparse"):
        tensor = convert_to_tensor(tensor)
        places = _core._where_true(_core.not_equal(tensor, _core.zeros_like(tensor)), "indices")
        return SparseTensor(places, _core._gather_nd(tensor, places, "values"),
                            _core.shape(tensor, "dense_shape", "int64"))


def sparse_reduce_sum(sp_input: SparseTensor, axis: Any = None, keepdims: bool = False,
                      reduction_axes: Any = None, keep_dims: bool | None = None) -> _core.Tensor:
    """Returns the sum, of which all places are there."""
    return _core.reduce_sum(sparse_tensor_to_dense(sp_input), reduction_axes if axis is None else axis,
                            keepdims if keep_dims is None else keep_dims)


def sparse_to_dense(sparse_indices: Any, output_shape: Any, sparse_values: Any,
                    default_value: Any = 0, validate_indices: bool = True,
                    name: str | None = None) -> Any:
    """Returns a tensor with the values at the places, and the default elsewhere."""
    values: Any = convert_to_tensor(sparse_values)
    if isinstance(values, StringTensor):
        return _dense_text(sparse_indices, output_shape, values, default_value, validate_indices)
    with name_scope(name, "SparseToDense", [values]) as scope:
        places = _core.cast(convert_to_tensor(sparse_indices), "int64")
        shape = _core.cast(convert_to_tensor(output_shape), "int64")
        if len(places._dims or []) < 2:
            places = _core.reshape(places, [-1, 1])
        count = _core.shape(places)[0]
        spread = values if values._dims else fill([count], values)
        order = _in_a_row(places, shape)
        if validate_indices:
            rises = _core.greater(order[1:], order[:-1])
            places = checked(places, reduce_all(rises), "indices_are_repeated_or_out_of_order")
        else:
            last = _is_last(order)
            places, spread = (_core._gather(x, last, None) for x in (places, spread))
        if np.isscalar(default_value) and default_value == 0:
            return scatter_nd(places, spread, shape, scope)
        at = scatter_nd(places, spread, shape)
        is_there = scatter_nd(places, ones([_core.shape(places)[0]], "int32"), shape)
        default = _core.cast(convert_to_tensor(default_value), values.dtype)
        return selected(_core.greater(is_there, 0), at, default, at, scope)


def _in_a_row(places: Any, shape: Any) -> Any:
    """The number of each place among all elements of the shape, row by row."""
    return _core.reduce_sum(places * _core.cumprod(shape, exclusive=True, reverse=True), 1)


def _is_last(order: Any) -> Any:
    """Which places are not named again by a later one."""
    # Where the places are in their order, equal ones are side by side, the last of them last.
    sorted_as = _core._argsort(order, -1, False, None)
    rising = _core._gather(order, sorted_as, None)
    ends = _core.not_equal(rising[1:], rising[:-1])
    last = _core._concat([ends, _core.cast(_core.ones_like(order[:1]), "bool")], 0, None)
    return _core._gather(sorted_as, _core.squeeze(_core._where_true(last, None), [1]), None)


def _dense_text(indices: Any, shape: Any, values: StringTensor, default: Any,
                checks: bool) -> StringTensor:
    absent = default.encode() if isinstance(default, str) else default or b""

    def dense(places: Any, dims: Any, text: Any) -> np.ndarray:
        found = np.full([int(n) for n in dims], absent, object)
        before: tuple[int, ...] | None = None
        for row, one in zip(np.asarray(places).reshape(len(text), -1), text):
            place = tuple(row.tolist())
            if checks and before is not None and place <= before:
                raise errors.InvalidArgumentError(
                    None, None, f"indices are repeated or out of order: {place} after {before}")
            if any(not 0 <= at < size for at, size in zip(place, found.shape)):
                raise errors.InvalidArgumentError(
                    None, None, f"indices {place} are out of bounds: the shape is {found.shape}")
            found[place], before = one, place
        return found

    return computed("SparseToDense", dense, [indices, shape, values])


def sparse_tensor_to_dense(sp_input: SparseTensor, default_value: Any = 0,
                           validate_indices: bool = True, name: str | None = None) -> Any:
    """Returns the elements, with the default where there are none."""
    return sparse_to_dense(sp_input.indices, sp_input.dense_shape, sp_input.values, default_value,
                           validate_indices, name)


def sparse_tensor_dense_matmul(sp_a: SparseTensor, b: Any, adjoint_a: bool = False,
                               adjoint_b: bool = False, name: str | None = None) -> _core.Tensor:
    """Returns the product of a sparse matrix and a dense one."""
    with name_scope(name, "SparseTensorDenseMatMul", [sp_a.values]) as scope:
        b = convert_to_tensor(b)
        right = _core.transpose(b, [1, 0]) if adjoint_b else b
        rows, columns = sp_a.indices[:, 0], sp_a.indices[:, 1]
        count = sp_a.dense_shape[1 if adjoint_a else 0]
        if adjoint_a:
            rows, columns = columns, rows
        parts = expand_dims(sp_a.values, 1) * _core._gather(right, columns, None)
        return _core.unsorted_segment_sum(parts, rows, count, scope)
