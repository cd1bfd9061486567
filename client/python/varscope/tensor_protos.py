"""TensorProtos: arrays as messages; and what a tensor is in every run."""

from __future__ import annotations

from typing import Any

import numpy as np

from varscope import _core
from varscope.shapes import TensorShape
from varscope.strings.tensors import Constant, StringTensor, bytes_of, is_text
from varscope.summaries import wire
from varscope.summaries.graph_def import dtype_of_number, number_of_dtype


class TensorProto:
    """An array as a message."""

    def __init__(self, array: Any = None) -> None:
        self.array = np.zeros(()) if array is None else array

    @property
    def dtype(self) -> int:
        """The number of the array's dtype."""
        return 7 if self.array.dtype == object else number_of_dtype(
            _core.as_dtype(self.array.dtype))

    @property
    def tensor_shape(self) -> TensorShape:
        return TensorShape(self.array.shape)

    @property
    def tensor_content(self) -> bytes:
        """The array's bytes; nothing of an array of strings."""
        return b"" if self.array.dtype == object else self.array.tobytes()

    @property
    def string_val(self) -> list[bytes]:
        """The strings of an array of strings."""
        return list(self.array.ravel()) if self.array.dtype == object else []

    def _numbers(self, kinds: str) -> list[Any]:
        return self.array.ravel().tolist() if self.array.dtype.kind in kinds else []

    @property
    def float_val(self) -> list[float]:
        return self._numbers("f")

    @property
    def int_val(self) -> list[int]:
        return self._numbers("iu")

    int64_val = int_val

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        shape = b"".join(wire.message(2, wire.integer(1, n)) for n in self.array.shape)
        parts = [wire.integer(1, self.dtype), wire.message(2, shape)]
        if self.tensor_content:
            parts.append(wire.message(4, self.tensor_content))
        parts += [wire.message(8, text) for text in self.string_val]
        return b"".join(parts)

    def ParseFromString(self, serialized: bytes) -> int:
        """Takes the array of a message that has the array's bytes; returns the message's size."""
        fields = wire.fields(serialized)
        said: dict[int, Any] = dict(fields)
        dims = [dict(wire.fields(content)).get(1, 0) for field, content in wire.fields(
            said.get(2, b"")) if field == 2]
        if said.get(1) == 7:
            texts = [content for field, content in fields if field == 8]
            self.array = np.array(texts + [None], object)[:-1].reshape(dims)
        else:
            kind = dtype_of_number(said.get(1, 1)).as_numpy_dtype
            self.array = np.frombuffer(said.get(4, b""), kind).reshape(dims)
        return len(serialized)

    @classmethod
    def FromString(cls, serialized: bytes) -> TensorProto:
        """Returns the array of a message."""
        made = cls()
        made.ParseFromString(serialized)
        return made


def make_tensor_proto(values: Any, dtype: Any = None, shape: Any = None,
                      verify_shape: bool = False) -> TensorProto:
    """Returns an array as a message; Python's numbers are float32 and int32."""
    if is_text(values):
        array = np.asarray(bytes_of(values), object)
    else:
        array = np.asarray(values)
        if dtype is not None:
            array = array.astype(_core.as_dtype(dtype).as_numpy_dtype)
        elif not isinstance(values, (np.ndarray, np.generic)):
            array = array.astype({"f": np.float32, "i": np.int32}.get(array.dtype.kind,
                                                                      array.dtype))
    if shape is None:
        return TensorProto(array)
    count = int(np.prod(shape))
    if array.size > count or (verify_shape and array.shape != tuple(shape)):
        raise ValueError(f"values of the shape {array.shape} do not fit the shape {list(shape)}")
    return TensorProto(np.resize(array, shape) if array.size == 1 else array.reshape(shape))


def make_ndarray(tensor: TensorProto) -> np.ndarray:
    """Returns the array of a message."""
    return tensor.array


def constant_value(tensor: Any, partial: bool = False) -> Any:
    """Returns the value that a tensor has in every run, as far as the graph says it; else None."""
    if isinstance(tensor, StringTensor):
        return tensor.source.text if isinstance(tensor.source, Constant) else None
    if not isinstance(tensor, _core.Tensor):
        return None if isinstance(tensor, _core.Variable) else np.asarray(tensor)
    op = tensor.op
    if op.type == "Const":
        return np.asarray(_core._describe_op(op)["attributes"]["value"])
    known = op.inputs[0].shape if op.type in ("Shape", "Rank", "Size") else None
    if op.type == "Rank" and known.ndims is not None:
        return np.asarray(known.ndims, np.int32)
    if known is not None and known.is_fully_defined():
        dims = np.asarray(known.as_list(), tensor.dtype.as_numpy_dtype)
        return dims if op.type == "Shape" else np.prod(dims, dtype=dims.dtype)
    return None


def is_tensor(x: Any) -> bool:
    """Returns whether x is symbolic: a tensor, a variable, or a sparse one."""
    from varscope.slices import IndexedSlices
    from varscope.sparse import SparseTensor
    return isinstance(x, (_core.Tensor, _core.Variable, StringTensor, SparseTensor, IndexedSlices))
