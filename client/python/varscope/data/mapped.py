"""Functions of tensors as functions of elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core
from varscope.data.elements import flat, spec_of, structured
from varscope.ops import convert_to_tensor
from varscope.sparse import SparseTensor


class Mapped:
    """A function of tensors, in a graph of its own, as one of arrays."""

    def __init__(self, function: Callable[..., Any], element: Any) -> None:
        self._graph = _core.Graph()
        with self._graph.as_default():
            self._inputs = structured(lambda spec: spec.placeholder(), element)
            made = called(function, self._inputs)
            made = tuple(made) if isinstance(made, list) else made
            self._outputs = structured(_tensor, made)
        self.element = structured(spec_of, self._outputs)
        self._session: Any = None

    def __call__(self, element: Any) -> Any:
        from varscope.session import BaseSession
        if self._session is None:
            self._session = BaseSession(graph=self._graph)
        feeds = dict(zip(flat(self._inputs), flat(element)))
        return self._session.run(self._outputs, feeds)


def _tensor(x: Any) -> Any:
    return x if isinstance(x, SparseTensor) else convert_to_tensor(x)


def called(function: Callable[..., Any], element: Any) -> Any:
    """Returns what a function makes of an element: a tuple is several arguments."""
    several = isinstance(element, tuple) and not hasattr(element, "_fields")
    return function(*element) if several else function(element)
