"""Rows of a table that sparse tensors number, combined: tf.nn.embedding_lookup_sparse."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.arrays import boolean_mask
from varscope.compat import v1 as tf
from varscope.ops import expand_dims
from varscope.scopes import name_scope, variable_scope
from varscope.selecting import kept, quotient_or_zero
from varscope.sparse import SparseTensor


def embedding_lookup_sparse(params: Any, sp_ids: SparseTensor, sp_weights: SparseTensor | None,
                            partition_strategy: str = "mod", name: str | None = None,
                            combiner: str | None = None,
                            max_norm: float | None = None) -> _core.Tensor:
    """Returns for each row of ids the sum, the mean ("mean", the default) or the sum over the root of
    the squared weights ("sqrtn") of the table's rows that they number."""
    how = combiner or "mean"
    if how not in ("mean", "sqrtn", "sum"):
        raise ValueError("combiner must be one of 'mean', 'sqrtn' or 'sum'")
    if not isinstance(sp_ids, SparseTensor):
        raise TypeError("sp_ids must be SparseTensor")
    with name_scope(name, "embedding_lookup_sparse") as scope:
        rows = tf.nn.embedding_lookup(params, sp_ids.values, partition_strategy)
        if max_norm is not None:
            rows = tf.clip_by_norm(rows, max_norm, axes=[1])
        place = sp_ids.indices[:, 0]
        count = _core.reduce_max(_core._concat([place, _core.cast([-1], "int64")], 0, None)) + 1
        weights = _core.ones_like(rows[:, 0]) if sp_weights is None else _core.cast(
            sp_weights.values, rows.dtype)
        sums = _core.unsorted_segment_sum(rows * expand_dims(weights, 1), place, count)
        if how == "sum":
            return _core.identity(sums, scope)
        by = weights if how == "mean" else _core.square(weights)
        total = _core.unsorted_segment_sum(by, place, count)
        total = expand_dims(total if how == "mean" else _core.sqrt(total), 1)
        return quotient_or_zero(sums, _core._broadcast_to(total, _core.shape(sums), None), scope)


def safe_embedding_lookup_sparse(embedding_weights: Any, sparse_ids: SparseTensor,
                                 sparse_weights: SparseTensor | None = None,
                                 combiner: str | None = None, default_id: Any = None,
                                 name: str | None = None, partition_strategy: str = "div",
                                 max_norm: float | None = None) -> _core.Tensor:
    """The same of all rows: without the ids below 0, and those whose weight is not above 0. A row
    without ids is that of default_id, or zeros."""
    with variable_scope(None, name or "safe_embedding_lookup"):
        good = _core.greater_equal(sparse_ids.values, 0)
        if sparse_weights is not None and combiner != "sum":
            good = _core.logical_and(good, _core.greater(sparse_weights.values, 0))
        places = boolean_mask(sparse_ids.indices, good)
        ids = SparseTensor(places, boolean_mask(sparse_ids.values, good), sparse_ids.dense_shape)
        weights = None if sparse_weights is None else SparseTensor(
            places, boolean_mask(sparse_weights.values, good), sparse_ids.dense_shape)
        some = embedding_lookup_sparse(embedding_weights, ids, weights, partition_strategy, None,
                                       combiner, max_norm)
        count = _core.cast(sparse_ids.dense_shape[0], "int32")
        more = count - _core.shape(some)[0]
        zeros = tf.zeros(tf.stack([more, some.shape.as_list()[1]]), some.dtype)
        made = _core._concat([some, zeros], 0, None)
        if default_id is None:
            return made
        has = _core.greater(_core.unsorted_segment_sum(
            _core.ones_like(places[:, 0]), places[:, 0], count), 0)
        row = tf.nn.embedding_lookup(embedding_weights, [default_id], partition_strategy)
        return made + kept(_core.logical_not(expand_dims(has, 1)), tf.tile(
            row, tf.stack([count, 1])))
