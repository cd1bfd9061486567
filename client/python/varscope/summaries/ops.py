"""tf.summary.scalar and the others: what a run returns for them are messages for a FileWriter."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from varscope.collections_ import GraphKeys, add_to_collections
from varscope.derived import Derived
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope
from varscope.strings.tensors import StringTensor
from varscope.summaries import wire
from varscope.summaries.histogram import histogram as histogram_message
from varscope.summaries.image import image_message
from varscope.summaries.messages import Value
from varscope.summaries.text import METADATA, text_message


def _legal(name: str) -> str:
    """A summary's name as that of an op, which has no spaces and begins with a letter."""
    return re.sub(r"[^-/\w.]", "_", name, flags=re.ASCII).lstrip("/")


def _summary(name: str, values: Any, family: str | None, collections: Iterable[str] | None,
             contents: Callable[[str, Any], list[Value]]) -> Derived:
    """A summary of one tensor, which the graph collects; `contents` makes its values of an array."""
    name = _legal(name)
    with name_scope(f"{family}/{name}" if family else name) as scope:
        tag = scope.rstrip("/")
        tensor = convert_to_tensor(values)
    fetched = tensor if isinstance(tensor, StringTensor) else tensor.name
    label = f"{family}/{tag}" if family else tag

    def message(value: Any) -> bytes:
        return b"".join(wire.message(1, part.SerializeToString())
                        for part in contents(label, value))

    made = Derived(tag, fetched, message)
    add_to_collections([GraphKeys.SUMMARIES] if collections is None else collections, made)
    return made


def scalar(name: str, tensor: Any, collections: Iterable[str] | None = None,
           family: str | None = None) -> Derived:
    """A number of each step."""
    return _summary(name, tensor, family, collections,
                    lambda tag, value: [Value(tag, float(np.reshape(value, ())))])


def histogram(name: str, values: Any, collections: Iterable[str] | None = None,
              family: str | None = None) -> Derived:
    """How the elements of a tensor are spread."""
    return _summary(name, values, family, collections,
                    lambda tag, value: [Value(tag, histo=histogram_message(value))])


def image(name: str, tensor: Any, max_outputs: int = 3,
          collections: Iterable[str] | None = None, family: str | None = None) -> Derived:
    """Images, [batch, y, x, channels], of which the first ones are shown."""

    def contents(tag: str, value: Any) -> list[Value]:
        shown = value[:max_outputs]
        names = [f"{tag}/image" if max_outputs == 1 else f"{tag}/image/{i}"
                 for i in range(len(shown))]
        return [Value(label, image=image_message(one)) for label, one in zip(names, shown)]

    return _summary(name, tensor, family, collections, contents)


def text(name: str, tensor: Any, collections: Iterable[str] | None = None) -> Derived:
    """Texts, which TensorBoard shows as Markdown. ValueError for a tensor of numbers."""
    tensor = convert_to_tensor(tensor)
    if not isinstance(tensor, StringTensor):
        raise ValueError(f"Expected tensor {tensor.name} to have dtype string, got "
                         f"{tensor.dtype.name}")
    return _summary(name, tensor, None, collections, lambda tag, value: [
        Value(tag, tensor=text_message(value), metadata=METADATA)])
