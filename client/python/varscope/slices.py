"""Rows of a tensor, the gradient of a gather."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple


class IndexedSlices:
    """Rows `values` of a tensor, at `indices`; all other rows are zero. Rows may repeat.

    Of symbolic tensors in a graph, of arrays where a store takes gradients.
    """

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        self.values = values
        self.indices = indices
        self.dense_shape = dense_shape

    @property
    def dtype(self) -> Any:
        """That of the values."""
        return self.values.dtype

    @property
    def name(self) -> str:
        """That of the values' tensor."""
        return self.values.name

    @property
    def op(self) -> Any:
        """What computes the values."""
        return self.values.op

    @property
    def graph(self) -> Any:
        """The graph of the values' tensor."""
        return self.values.graph

    def to_dense(self) -> Any:
        """Returns the whole tensor. ValueError where its shape is not known."""
        from varscope import _core
        if self.dense_shape is None:
            raise ValueError("Tensor conversion requested for IndexedSlices without dense_shape: "
                             f"{self!r}")
        return _core.unsorted_segment_sum(self.values, self.indices, self.dense_shape[0])

    def __repr__(self) -> str:
        return f"IndexedSlices(indices={self.indices!r}, values={self.values!r})"


def _shape_of(x: Any) -> Any:
    """The shape, as numbers where they are known."""
    from varscope import _core
    if x.shape.ndims and x.shape.as_list()[0] is not None:
        return x.shape.as_list()
    return _core.shape(x)


def shaped_like(gradients: Iterable[Any], xs: Iterable[Any]) -> list[Any]:
    """Returns the gradients; those that are rows know from then on the shape of their x."""
    listed = list(gradients)
    for gradient, x in zip(listed, xs):
        if isinstance(gradient, IndexedSlices) and gradient.dense_shape is None:
            gradient.dense_shape = x.dense_shape if isinstance(x, IndexedSlices) else _shape_of(x)
    return listed


class IndexedSlicesValue(NamedTuple):
    """What a run returns for IndexedSlices."""

    values: Any
    indices: Any
    dense_shape: Any = None
