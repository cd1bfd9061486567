"""Rows of a tensor, the gradient of a gather."""

from __future__ import annotations

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

    def __repr__(self) -> str:
        return f"IndexedSlices(indices={self.indices!r}, values={self.values!r})"


class IndexedSlicesValue(NamedTuple):
    """What a run returns for IndexedSlices."""

    values: Any
    indices: Any
    dense_shape: Any = None
