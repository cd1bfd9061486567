"""What a model takes and gives: SignatureDefs, which name tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from varscope import _core
from varscope.saved_models import names
from varscope.shapes import TensorShape
from varscope.strings.tensors import is_string, string
from varscope.summaries import wire
from varscope.summaries.graph_def import dtype_of_number, number_of_dtype


class TensorInfo:
    """A tensor's name, dtype and shape."""

    def __init__(self, name: str = "", dtype: Any = 0, tensor_shape: Any = None) -> None:
        self.name = name
        self.dtype = dtype if isinstance(dtype, int) else number_of_dtype(dtype)
        self.tensor_shape = TensorShape(tensor_shape)

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        shape = wire.integer(3, 1) if self.tensor_shape.ndims is None else b"".join(
            wire.message(2, wire.integer(1, -1 if size is None else size))
            for size in self.tensor_shape.as_list())
        return wire.message(1, self.name) + wire.integer(2, self.dtype) + wire.message(3, shape)

    @classmethod
    def FromString(cls, serialized: bytes) -> TensorInfo:
        """Returns the tensor of a message."""
        said: dict[int, Any] = dict(wire.fields(serialized))
        parts = wire.fields(said.get(3, b""))
        unknown = any(field == 3 and content for field, content in parts)
        sizes = [_size(content) for field, content in parts if field == 2]
        return cls(said.get(1, b"").decode(), said.get(2, 0), None if unknown else sizes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorInfo) and (
            self.SerializeToString() == other.SerializeToString())

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        dtype = "DT_" + dtype_of_number(self.dtype).name.upper() if self.dtype else "DT_INVALID"
        return f'name: "{self.name}"\ndtype: {dtype}\ntensor_shape: {self.tensor_shape}\n'

    __repr__ = __str__


def _size(content: Any) -> int | None:
    size = dict(wire.fields(content)).get(1, 0)
    return None if size >= 1 << 63 else size


class SignatureDef:
    """The tensors that one use of a model takes and gives, by the names that callers use."""

    def __init__(self, inputs: Mapping[str, TensorInfo] | None = None,
                 outputs: Mapping[str, TensorInfo] | None = None, method_name: str = "") -> None:
        self.inputs = dict(inputs or {})
        self.outputs = dict(outputs or {})
        self.method_name = method_name

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        parts = [_entry(1, *item) for item in sorted(self.inputs.items())]
        parts += [_entry(2, *item) for item in sorted(self.outputs.items())]
        return b"".join(parts) + wire.message(3, self.method_name)

    @classmethod
    def FromString(cls, serialized: bytes) -> SignatureDef:
        """Returns the signature of a message."""
        made = cls()
        for field, content in wire.fields(serialized):
            if field == 3:
                made.method_name = content.decode()
                continue
            entry: dict[int, Any] = dict(wire.fields(content))
            into = made.inputs if field == 1 else made.outputs
            into[entry[1].decode()] = TensorInfo.FromString(entry.get(2, b""))
        return made

    def __str__(self) -> str:
        lines = []
        for kind, tensors in (("inputs", self.inputs), ("outputs", self.outputs)):
            for key, info in sorted(tensors.items()):
                inside = str(info).rstrip().replace("\n", "\n    ")
                lines.append(f'{kind} {{\n  key: "{key}"\n  value {{\n    {inside}\n  }}\n}}\n')
        return "".join(lines) + f'method_name: "{self.method_name}"\n'

    __repr__ = __str__


def _entry(field: int, key: str, info: TensorInfo) -> bytes:
    return wire.message(field, wire.message(1, key) + wire.message(2, info.SerializeToString()))


def build_tensor_info(tensor: Any) -> TensorInfo:
    """Returns what a signature says of a tensor."""
    if isinstance(tensor, _core.Variable):
        tensor = tensor._unordered_value()
    return TensorInfo(tensor.name, tensor.dtype, tensor.get_shape())


def get_tensor_from_tensor_info(tensor_info: TensorInfo, graph: _core.Graph | None = None,
                                import_scope: str | None = None) -> _core.Tensor:
    """Returns the graph's tensor that a signature names."""
    name = f"{import_scope}/{tensor_info.name}" if import_scope else tensor_info.name
    return (graph or _core.get_default_graph()).get_tensor_by_name(name)


def build_signature_def(inputs: Mapping[str, TensorInfo] | None = None,
                        outputs: Mapping[str, TensorInfo] | None = None,
                        method_name: str | None = None) -> SignatureDef:
    """Returns a signature of what it takes and gives."""
    return SignatureDef(inputs, outputs, method_name or "")


def predict_signature_def(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> SignatureDef:
    """Returns the signature of tensors for any use. ValueError for none."""
    if not inputs:
        raise ValueError("Prediction inputs cannot be None or empty.")
    if not outputs:
        raise ValueError("Prediction outputs cannot be None or empty.")
    return SignatureDef({key: build_tensor_info(x) for key, x in inputs.items()},
                        {key: build_tensor_info(x) for key, x in outputs.items()},
                        names.PREDICT_METHOD_NAME)


def regression_signature_def(examples: Any, predictions: Any) -> SignatureDef:
    """Returns the signature of values for serialized examples."""
    _refuse_none("Regression", examples=examples, predictions=predictions)
    _ask_for("Regression inputs", examples.dtype, string)
    _ask_for("Regression output", predictions.dtype, _core.as_dtype("float32"))
    return SignatureDef({names.REGRESS_INPUTS: build_tensor_info(examples)},
                        {names.REGRESS_OUTPUTS: build_tensor_info(predictions)},
                        names.REGRESS_METHOD_NAME)


def classification_signature_def(examples: Any, classes: Any, scores: Any) -> SignatureDef:
    """Returns the signature of classes and their scores for serialized examples."""
    _refuse_none("Classification", examples=examples)
    if classes is None and scores is None:
        raise ValueError("Classification classes and scores cannot both be None.")
    _ask_for("Classification inputs", examples.dtype, string)
    outputs = {}
    if classes is not None:
        _ask_for("Classification classes", classes.dtype, string)
        outputs[names.CLASSIFY_OUTPUT_CLASSES] = build_tensor_info(classes)
    if scores is not None:
        _ask_for("Classification scores", scores.dtype, _core.as_dtype("float32"))
        outputs[names.CLASSIFY_OUTPUT_SCORES] = build_tensor_info(scores)
    return SignatureDef({names.CLASSIFY_INPUTS: build_tensor_info(examples)}, outputs,
                        names.CLASSIFY_METHOD_NAME)


def _refuse_none(what: str, **tensors: Any) -> None:
    for name, tensor in tensors.items():
        if tensor is None:
            raise ValueError(f"{what} {name} cannot be None.")


def _ask_for(what: str, dtype: Any, expected: Any) -> None:
    fits = is_string(dtype) if is_string(expected) else dtype == expected
    if not fits:
        raise ValueError(f"{what} must be of type {expected.name}, not {dtype.name}.")


def is_valid_signature(signature_def: SignatureDef | None) -> bool:
    """Returns whether a signature has what its method needs."""
    if signature_def is None or not signature_def.inputs or not signature_def.outputs:
        return False
    inputs, outputs = set(signature_def.inputs), set(signature_def.outputs)
    if signature_def.method_name == names.CLASSIFY_METHOD_NAME:
        return inputs == {names.CLASSIFY_INPUTS} and outputs <= {
            names.CLASSIFY_OUTPUT_CLASSES, names.CLASSIFY_OUTPUT_SCORES}
    if signature_def.method_name == names.REGRESS_METHOD_NAME:
        return inputs == {names.REGRESS_INPUTS} and outputs == {names.REGRESS_OUTPUTS}
    return signature_def.method_name == names.PREDICT_METHOD_NAME
