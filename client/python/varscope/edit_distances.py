"""tf.edit_distance: how many changes make one sequence another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from varscope import _core
from varscope.sparse import SparseTensor
from varscope.strings.tensors import computed


def _distance(left: Sequence[Any], right: Sequence[Any]) -> int:
    row = list(range(len(right) + 1))
    for i, x in enumerate(left, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(right, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def _sequences(indices: Any, values: Any) -> dict[tuple[int, ...], list[Any]]:
    """The sequences of a sparse tensor, by their places."""
    found: dict[tuple[int, ...], list[Any]] = {}
    for place, value in zip(indices.tolist(), values.tolist()):
        found.setdefault(tuple(place[:-1]), []).append(value)
    return found


def edit_distance(hypothesis: SparseTensor, truth: SparseTensor, normalize: bool = True,
                  name: str = "edit_distance") -> _core.Tensor:
    """Returns the Levenshtein distance of each pair of sequences, the last dimension; normalized:
    divided by the length of the truth, infinite where that is empty. There is no gradient."""

    def compare(*parts: Any) -> np.ndarray:
        left, right = _sequences(*parts[:2]), _sequences(*parts[3:5])
        shape = np.maximum(parts[2], parts[5])[:-1]
        found = np.zeros(shape, np.float32)
        for place in np.ndindex(*shape):
            one, other = left.get(place, []), right.get(place, [])
            found[place] = _distance(one, other)
            if normalize and (found[place] or other):
                found[place] = found[place] / len(other) if other else np.inf
        return found

    parts = [part for x in (hypothesis, truth) for part in (x.indices, x.values, x.dense_shape)]
    rank = hypothesis.dense_shape._dims
    dims = [-1] * (rank[0] - 1) if rank and rank[0] > 0 else None
    return computed(name, compare, parts, dims, _core.as_dtype("float32"))
