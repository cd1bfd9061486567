"""tf.TensorArray: tensors by number, which a graph writes once each and then reads."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.arrays import range
from varscope.checks import checked
from varscope.counting import reduce_all
from varscope.numbers_ import is_symbolic
from varscope.ops import convert_to_tensor, expand_dims
from varscope.pieces import split
from varscope.scopes import name_scope
from varscope.shapes import TensorShape

_INDEX = _core.as_dtype("int32")


class TensorArray:
    """Tensors by number. write() and its like return a new array: the old one is not to be used.

    Written tensors are a list, with a list of their numbers; those of unstack() are the rows of one
    tensor. A loop takes an array as one of its variables.
    """

    def __init__(self, dtype: Any, size: Any = None, dynamic_size: bool | None = None,
                 clear_after_read: bool | None = None, tensor_array_name: str | None = None,
                 handle: Any = None, flow: Any = None, infer_shape: bool = True,
                 element_shape: Any = None, colocate_with_first_write_call: bool = True,
                 name: str | None = None) -> None:
        if handle is not None or flow is not None:
            raise NotImplementedError("TensorArray: varscope has no 'handle' and no 'flow'")
        self._dtype = _core.as_dtype(dtype)
        self._shapes = [TensorShape(element_shape)]  # one, of all arrays that come of this one
        self._infers = infer_shape
        self._size = 0 if size is None else size
        self._grows = bool(dynamic_size)
        self._name = name or tensor_array_name or "TensorArray"
        self._rows: Any = None
        self._lists: Any = _core.list_empty(self._name), _core.list_empty()

    @property
    def dtype(self) -> _core.DType:
        return self._dtype

    @property
    def element_shape(self) -> TensorShape:
        """The shape of all elements, as far as it is known."""
        return self._shapes[0]

    @property
    def dynamic_size(self) -> bool:
        return self._grows

    def identity(self) -> TensorArray:
        """Returns the array."""
        return self.with_leaves(self.leaves())

    def leaves(self) -> list[Any]:
        """What a loop keeps of it."""
        return list(self._lists) if self._rows is None else [self._rows]

    def with_leaves(self, leaves: list[Any]) -> TensorArray:
        """Returns the array that has these leaves."""
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        made._rows, made._lists = (leaves[0], None) if len(leaves) == 1 else (None, leaves)
        return made

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """Returns the array with a tensor of this number. A run raises InvalidArgumentError for a
        number that is out of range; stack() does so for one that is written twice."""
        if self._rows is not None:
            raise NotImplementedError("TensorArray.write: the array is one that unstack() made")
        with name_scope(name, "TensorArrayWrite"):
            value = self._own(value)
            index = _core.cast(convert_to_tensor(index), _INDEX)
            if not self._grows:
                fits = _core.logical_and(_core.greater_equal(index, 0),
                                         _core.less(index, _core.cast(self._size, _INDEX)))
                index = checked(index, fits, "the_index_is_not_below_the_TensorArrays_size")
            values, numbers = self.leaves()
            return self.with_leaves([_core.list_push(values, value), _core.list_push(numbers, index)])

    def _own(self, value: Any) -> _core.Tensor:
        """A value of the array's dtype, whose shape is from now on known of all. ValueError for one
        that does not fit."""
        value = convert_to_tensor(value, self._dtype)
        self._learn(value.shape)
        return value

    def _learn(self, shape: TensorShape) -> None:
        if not self._infers:
            return
        known = self.element_shape
        if not known.is_compatible_with(shape):
            raise ValueError(f"Inconsistent shapes: saw {shape} but expected {known}")
        if known.ndims is None or shape.is_fully_defined():
            self._shapes[0] = shape

    def stack(self, name: str | None = None) -> _core.Tensor:
        """Returns all tensors along a new axis, in the order of their numbers; zeros for those that
        were not written. A run raises InvalidArgumentError for a number that was written twice."""
        with name_scope(name, "TensorArrayStack") as scope:
            if self._rows is not None:
                return _core.identity(self._rows, scope)
            values, numbers = self.leaves()
            known = None if self.element_shape.ndims is None else self.element_shape
            stacked = _core.list_stack(values, self._dtype, known)
            order, size = _core.list_stack(numbers, _INDEX, []), self.size()
            once = _core.unsorted_segment_sum(_core.ones_like(order), order, size)
            order = checked(order, reduce_all(_core.less(once, 2)),
                            "a_TensorArrays_index_has_already_been_written_to")
            places = _core.scatter_nd(expand_dims(order, 1), range(1, _core.size(order) + 1),
                                      expand_dims(size, 0))
            rows = _core._concat([_core.zeros_like(stacked[:1]), stacked], 0, None)
            return _core._gather(rows, places, scope)

    def read(self, index: Any, name: str | None = None) -> _core.Tensor:
        """Returns the tensor of this number."""
        with name_scope(name, "TensorArrayRead"):
            read = _core._gather(self._read_rows(), index, None)
            if self.element_shape.ndims is not None:
                read.set_shape(self.element_shape)
            return read

    def _read_rows(self) -> Any:
        return self.stack() if self._rows is None else self._rows

    def gather(self, indices: Any, name: str | None = None) -> _core.Tensor:
        """Returns the tensors of these numbers along a new axis."""
        with name_scope(name, "TensorArrayGather"):
            return _core._gather(self._read_rows(), indices, None)

    def concat(self, name: str | None = None) -> _core.Tensor:
        """Returns all tensors one after the other, along their first axis."""
        with name_scope(name, "TensorArrayConcat"):
            rows = self._read_rows()
            dims = _core.shape(rows)
            whole = _core._reshape_to(rows, _core._concat([[-1], dims[2:]], 0, None), None)
            known = rows.shape.as_list()[2:] if rows.shape.ndims is not None else None
            if known is not None:
                whole.set_shape([None, *known])
            return whole

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """Returns the array with the rows of a tensor."""
        with name_scope(name, "TensorArrayUnstack"):
            rows = convert_to_tensor(value, self._dtype)
            self._learn(rows.shape[1:])
            return self.with_leaves([rows])

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """Returns the array with the rows of a tensor, by these numbers."""
        with name_scope(name, "TensorArrayScatter"):
            indices = _core.cast(convert_to_tensor(indices), _INDEX)
            rows = convert_to_tensor(value, self._dtype)
            self._learn(rows.shape[1:])
            return self.with_leaves([_core.list_of_rows(rows), _core.list_of_rows(indices)])

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """Returns the array with parts of a tensor, of these lengths, which must be known."""
        if is_symbolic(lengths):
            raise NotImplementedError("TensorArray.split: varscope must know the lengths")
        made = self
        for number, part in enumerate(split(convert_to_tensor(value, self._dtype), list(lengths))):
            made = made.write(number, part)
        return made

    def size(self, name: str | None = None) -> _core.Tensor:
        """Returns how many tensors there are, or may be."""
        if self._rows is not None:
            return _core.shape(self._rows, name)[0]
        if not self._grows:
            return _core._convert_to_tensor(self._size, _INDEX, name)
        numbers = _core.list_stack(self.leaves()[1], _INDEX, [])
        largest = _core.reduce_max(_core._concat([numbers, [-1]], 0, None)) + 1
        return _core.maximum(largest, _core.cast(self._size, _INDEX), name)

    def close(self, name: str | None = None) -> _core.Operation:
        """Returns an op that does nothing: runs keep no array."""
        return _core.no_op(name)
