"""Arrays of data sets, and placeholders and tensors in their place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from varscope import _core, errors
from varscope.data.elements import SparseSpec, Spec, flat, structured
from varscope.sparse import SparseTensor, SparseTensorValue
from varscope.strings.tensors import Constant, StringTensor, bytes_of, is_text, string


class FedValues(dict[str, Any]):
    """The arrays that an iterator's initializer is fed, by the placeholders' names."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: dict[str, Any] = {}  # what to fetch for each: a tensor would keep its graph

    def expect(self, placeholder: Any) -> None:
        name = placeholder.name
        self[name] = None
        self.parts[name] = placeholder if isinstance(placeholder, StringTensor) else name


class Held:
    """Arrays, of which some are placeholders that an iterator's initializer is fed."""

    def __init__(self, tensors: Any) -> None:
        self.fed = FedValues()
        self._structure = structured(self._array, tensors)

    def _array(self, x: Any) -> Any:
        if isinstance(x, StringTensor) and isinstance(x.source, Constant):
            return x.source.text
        if isinstance(x, _core.Variable):
            x = x._unordered_value()
        if isinstance(x, _core.Tensor) and x.op.type == "Const":
            return np.asarray(_core._describe_op(x.op)["attributes"]["value"])
        if isinstance(x, (_core.Tensor, StringTensor)):
            self.fed.expect(x)
            return _Fed(x)
        if isinstance(x, SparseTensor):
            return SparseTensorValue(*[self._array(part) for part in (
                x.indices, x.values, x.dense_shape)])
        if isinstance(x, SparseTensorValue):
            return SparseTensorValue(*map(np.asarray, x))
        if is_text(x):
            return bytes_of(x)
        value = np.asarray(x)
        if not hasattr(x, "dtype") and value.dtype.kind in "fi":
            value = value.astype(np.float32 if value.dtype.kind == "f" else np.int32)
        return value

    def check_rows(self) -> None:
        """ValueError for what has no rows, and for arrays that have not as many."""
        shapes = [x.dims if isinstance(x, _Fed) else list(np.shape(x))
                  for x in flat(self._structure) if not isinstance(x, SparseTensorValue)]
        known = [dims for dims in shapes if dims is not None]
        if [] in known:
            raise ValueError("from_tensor_slices: the elements are the rows of arrays, and one number "
                             "has none; from_tensors takes it as one element")
        counts = {dims[0] for dims in known if dims[0] >= 0}
        if len(counts) > 1:
            raise ValueError(f"from_tensor_slices: dimensions {sorted(counts)} are not compatible: all "
                             "arrays need as many rows")

    def element(self, rows: bool) -> Any:
        def spec(x: Any) -> Spec:
            if isinstance(x, SparseTensorValue):
                fed = isinstance(x.indices, _Fed)
                known = [-1] * x.indices.dims[1] if fed else [int(n) for n in x.dense_shape]
                return SparseSpec(spec(x.values).dtype, known[1:] if rows else known)
            dims = x.dims if isinstance(x, _Fed) else list(np.shape(x))
            if isinstance(x, bytes) or x.dtype == object:
                dtype: Any = string
            else:
                dtype = x.dtype if isinstance(x, _Fed) else _core.as_dtype(x.dtype)
            return Spec(dtype, dims[1:] if rows and dims is not None else dims)
        return structured(spec, self._structure)

    def arrays(self) -> Any:
        return structured(self._value, self._structure)

    def _value(self, x: Any) -> Any:
        if isinstance(x, SparseTensorValue):
            return SparseTensorValue(*map(self._value, x))
        if not isinstance(x, _Fed):
            return x
        if self.fed[x.name] is None:
            raise errors.FailedPreconditionError(
                None, None, f"the iterator's initializer was not fed {x.name}")
        return self.fed[x.name]

    def rows(self) -> Iterator[Any]:
        arrays = self.arrays()
        specs = iter(flat(self.element(False)))
        rows = [next(specs).rows(array) for array in flat(arrays)]
        for parts in zip(*rows):
            left = iter(parts)
            yield structured(lambda _: next(left), arrays)  # noqa: B023


class _Fed:
    """A placeholder, without the graph."""

    def __init__(self, tensor: _core.Tensor) -> None:
        self.name, self.dtype, self.dims = tensor.name, tensor.dtype, tensor._dims


class Number:
    """A number, or a tensor of one that an iterator's initializer is fed; or None."""

    def __init__(self, x: Any) -> None:
        self._held = None if x is None else Held(x)
        self.fed = FedValues() if self._held is None else self._held.fed

    def value(self) -> Any:
        return None if self._held is None else int(self._held.arrays())


def settle(fed: list[FedValues], graph: _core.Graph) -> None:
    """Computes what no initializer is fed. ValueError for what needs a placeholder."""
    from varscope.session import BaseSession
    for held in fed:
        if not held:
            continue
        try:
            held.update(BaseSession(graph=graph).run(held.parts))
        except ValueError as error:
            raise ValueError(f"Cannot capture a placeholder by value: {error}") from None
