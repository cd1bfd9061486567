"""Losses of very many classes, which look at some of them alone."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from varscope import _core
from varscope.compat import v1 as tf
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope


class Candidates(NamedTuple):
    """Classes that were drawn, and how often each class was to be expected."""

    sampled_candidates: Any
    true_expected_count: Any
    sampled_expected_count: Any


def log_uniform_candidate_sampler(true_classes: Any, num_true: int, num_sampled: int, unique: bool,
                                  range_max: int, seed: int | None = None,
                                  name: str | None = None) -> Candidates:
    """Draws classes of which the first ones are frequent: Zipf's law. They may repeat."""
    with name_scope(name, "LogUniformCandidateSampler"):
        drawn = tf.random_uniform([num_sampled], 0.0, math.log(range_max + 1), seed=seed)
        classes = _core.minimum(_core.floor(_core.exp(drawn)) - 1.0, float(range_max - 1))
        classes = _core.stop_gradient(classes)
        true = _core.cast(true_classes, "float32")
        return Candidates(_core.cast(classes, "int64"),
                          _expected(true, num_sampled, range_max),
                          _expected(classes, num_sampled, range_max))


def _expected(classes: Any, count: int, range_max: int) -> Any:
    share = _core.log((classes + 2.0) / (classes + 1.0)) / math.log(range_max + 1)
    return share * float(count)


def _logits(weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int,
            num_classes: int, num_true: int, sampled: Any, subtract_log_q: bool,
            seed: int | None, strategy: str) -> tuple[Any, Any]:
    """Of the true classes [batch, num_true], and of the drawn ones [batch, num_sampled]."""
    def rows_of(table: Any, ids: Any) -> Any:
        return tf.nn.embedding_lookup(table, ids, strategy)

    labels = _core.reshape(_core.cast(labels, "int64"), [-1, num_true])
    drawn = Candidates(*sampled) if sampled else log_uniform_candidate_sampler(
        labels, num_true, num_sampled, True, num_classes, seed)
    flat = _core.reshape(labels, [-1])
    rows = rows_of(weights, flat)
    rows = _core.reshape(rows, [-1, num_true, rows.shape.as_list()[1]])
    true = _core.reduce_sum(rows * tf.expand_dims(inputs, 1), 2)
    true = true + _core.reshape(rows_of(biases, flat), [-1, num_true])
    others = _core.matmul(inputs, rows_of(weights, drawn.sampled_candidates), transpose_b=True)
    others = others + rows_of(biases, drawn.sampled_candidates)
    if subtract_log_q:
        true = true - _core.log(_core.reshape(drawn.true_expected_count, [-1, num_true]))
        others = others - _core.log(drawn.sampled_expected_count)
    return true, others


def nce_loss(weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int,
             num_classes: int, num_true: int = 1, sampled_values: Any = None,
             remove_accidental_hits: bool = False, partition_strategy: str = "mod",
             name: str = "nce_loss") -> _core.Tensor:
    """Noise-contrastive estimation, for each example. Gutmann, Hyvaerinen 2010."""
    with name_scope(name):
        true, others = _logits(weights, biases, labels, convert_to_tensor(inputs), num_sampled,
                               num_classes, num_true, sampled_values, True, None,
                               partition_strategy)
        right = tf.nn.sigmoid_cross_entropy_with_logits(
            labels=_core.ones_like(true) / float(num_true), logits=true)
        wrong = tf.nn.sigmoid_cross_entropy_with_logits(labels=_core.zeros_like(others),
                                                     logits=others)
        return _core.reduce_sum(right, 1) + _core.reduce_sum(wrong, 1)


def sampled_softmax_loss(weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int,
                         num_classes: int, num_true: int = 1, sampled_values: Any = None,
                         remove_accidental_hits: bool = True, partition_strategy: str = "mod",
                         name: str = "sampled_softmax_loss",
                         seed: int | None = None) -> _core.Tensor:
    """The cross entropy of softmax over the true and the drawn classes. Jean et al. 2014."""
    with name_scope(name):
        labels = convert_to_tensor(labels)
        drawn = Candidates(*sampled_values) if sampled_values else log_uniform_candidate_sampler(
            labels, num_true, num_sampled, True, num_classes, seed)
        true, others = _logits(weights, biases, labels, convert_to_tensor(inputs), num_sampled,
                               num_classes, num_true, drawn, True, seed,
                               partition_strategy)
        if remove_accidental_hits and num_true == 1:
            hits = _core.equal(_core.cast(_core.reshape(labels, [-1, 1]), "int64"),
                               drawn.sampled_candidates)
            others = others - 1e9 * _core.cast(hits, others.dtype)
        logits = tf.concat([true, others], 1)
        targets = tf.concat([_core.ones_like(true) / float(num_true),
                             _core.zeros_like(others)], 1)
        return tf.nn.softmax_cross_entropy_with_logits_v2(labels=targets, logits=logits)
