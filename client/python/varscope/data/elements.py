"""What the elements of data sets are: arrays, or tuples and dicts of them, and of what form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from varscope import _core, shapes
from varscope.readers.batches import stacked
from varscope.sparse import SparseTensor, SparseTensorValue
from varscope.strings.tensors import bytes_of, is_string, string, text_placeholder


def structured(function: Callable[..., Any], first: Any, *others: Any) -> Any:
    """Applies a function to the leaves of dicts and tuples. A list is a leaf: an array."""
    if isinstance(first, dict):
        return type(first)((key, structured(function, first[key], *(x[key] for x in others)))
                           for key in first)
    if isinstance(first, tuple) and not isinstance(first, SparseTensorValue):
        parts = [structured(function, *items) for items in zip(first, *others)]
        return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)
    return function(first, *others)


def flat(structure: Any) -> list[Any]:
    """Returns the leaves of an element, of dicts by their keys' order."""
    if isinstance(structure, dict):
        return [leaf for key in structure for leaf in flat(structure[key])]
    if isinstance(structure, tuple) and not isinstance(structure, SparseTensorValue):
        return [leaf for item in structure for leaf in flat(item)]
    return [structure]


def dtype_of(dtype: Any) -> Any:
    return string if is_string(dtype) else _core.as_dtype(dtype)


class Spec:
    """The dtype and the shape of an array of each element."""

    def __init__(self, dtype: _core.DType, dims: list[int] | None) -> None:
        self.dtype, self.dims = dtype, dims

    def array(self, x: Any) -> Any:
        return bytes_of(x) if is_string(self.dtype) else np.asarray(x, self.dtype.as_numpy_dtype)

    def placeholder(self) -> Any:
        if is_string(self.dtype):
            return text_placeholder(self.dims)
        return _core.placeholder(self.dtype, self.dims)

    def batched(self, count: int) -> Spec:
        return Spec(self.dtype, None if self.dims is None else [count, *self.dims])

    @property
    def kind(self) -> Any:
        """What a tensor of it is."""
        return _core.Tensor

    def parts(self) -> list[tuple[Any, list[int] | None]]:
        """Returns the dtype and the shape of each tensor that an element is made of."""
        return [(self.dtype, self.dims)]

    def joined(self, tensors: Sequence[Any]) -> Any:
        """Returns what these tensors are together."""
        return tensors[0]

    def together(self, items: Sequence[Any]) -> Any:
        """Returns a batch of arrays."""
        return stacked(items)

    def rows(self, array: Any) -> list[Any]:
        """Returns the elements of a batch."""
        return list(array)


class SparseSpec(Spec):
    """The dtype and the shape of a sparse tensor of each element."""

    @property
    def kind(self) -> Any:
        return SparseTensor

    def _rank(self) -> int:
        return -1 if self.dims is None else len(self.dims)

    def array(self, x: Any) -> Any:
        return SparseTensorValue(*x)

    def placeholder(self) -> Any:
        return SparseTensor(*[Spec(*part).placeholder() for part in self.parts()])

    def batched(self, count: int) -> Spec:
        return SparseSpec(self.dtype, None if self.dims is None else [count, *self.dims])

    def parts(self) -> list[tuple[Any, list[int] | None]]:
        int64 = _core.as_dtype("int64")
        return [(int64, [-1, self._rank()]), (self.dtype, [-1]), (int64, [self._rank()])]

    def joined(self, tensors: Sequence[Any]) -> Any:
        return SparseTensor(*tensors)

    def together(self, items: Sequence[Any]) -> Any:
        places = [np.insert(np.asarray(x.indices), 0, row, axis=1) for row, x in enumerate(items)]
        shape = np.max([np.asarray(x.dense_shape) for x in items], axis=0)
        return SparseTensorValue(np.concatenate(places), np.concatenate([x.values for x in items]),
                                 np.insert(shape, 0, len(items)))

    def rows(self, array: Any) -> list[Any]:
        found = []
        for row in range(int(array.dense_shape[0])):
            own = array.indices[:, 0] == row
            found.append(SparseTensorValue(array.indices[own][:, 1:], array.values[own],
                                           array.dense_shape[1:]))
        return found


def spec_of(tensor: Any) -> Spec:
    """Returns the form of a tensor, or of a sparse one."""
    if isinstance(tensor, SparseTensor):
        rank = tensor.dense_shape._dims
        known = [-1] * rank[0] if rank and rank[0] >= 0 else None
        return SparseSpec(tensor.dtype, known)
    return Spec(tensor.dtype, tensor._dims)


def aligned(element: Any, given: Any) -> Any:
    """Shapes, or an element itself, in an element's form: the shapes are lists, too."""
    if isinstance(element, dict):
        return {key: aligned(element[key], given[key]) for key in element}
    if isinstance(element, tuple):
        return tuple(aligned(one, part) for one, part in zip(element, given))
    return Shape(None if isinstance(given, Spec) else shapes.dims_of(given))


class Shape:
    """A shape that no function of structures takes apart."""

    def __init__(self, dims: list[int] | None) -> None:
        self.dims = dims


def least(spec: Spec, shape: Shape) -> Shape:
    """How large each dimension of an element is at least; not known: 0."""
    dims = spec.dims if shape.dims is None else shape.dims
    return Shape([max(n, 0) for n in dims or []])
