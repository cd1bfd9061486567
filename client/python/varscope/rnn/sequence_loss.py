"""The cross entropy of sequences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from varscope import _core
from varscope.compat.v1 import nn
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope


def sequence_loss(logits: Any, targets: Any, weights: Any, average_across_timesteps: bool = True,
                  average_across_batch: bool = True, softmax_loss_function: Callable | None = None,
                  name: str | None = None) -> _core.Tensor:
    """The weighted cross entropy of logits, [batch, time, classes], and targets, [batch, time]."""
    logits = convert_to_tensor(logits)
    weights = convert_to_tensor(weights)
    classes = logits.shape.as_list()[2]
    with name_scope(name, "sequence_loss", [logits, targets, weights]):
        flat = _core.reshape(targets, [-1])
        losses = _crossed(softmax_loss_function, flat, _core.reshape(logits, [-1, classes]))
        losses = losses * _core.reshape(weights, [-1])
        if average_across_timesteps and average_across_batch:
            return _core.divide(_core.reduce_sum(losses), _core.reduce_sum(weights) + 1e-12)
        # [batch, time], as the weights are.
        steps = weights.shape.as_list()[1]
        losses = _core.reshape(losses, [-1, steps])
        for average, axis in ((average_across_batch, 0), (average_across_timesteps, 1)):
            if average:
                return _core.divide(_core.reduce_sum(losses, axis),
                                    _core.reduce_sum(weights, axis) + 1e-12)
        return losses


def _crossed(function: Callable | None, labels: Any, logits: Any) -> Any:
    if function is not None:
        return function(labels=labels, logits=logits)
    return nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def sequence_loss_by_example(logits: Sequence[Any], targets: Sequence[Any], weights: Sequence[Any],
                             average_across_timesteps: bool = True,
                             softmax_loss_function: Callable | None = None,
                             name: str | None = None) -> _core.Tensor:
    """The weighted cross entropy of lists of steps, for each sequence of the batch."""
    with name_scope(name, "sequence_loss_by_example"):
        losses = [_crossed(softmax_loss_function, _core.reshape(target, [-1]), logit) * weight
                  for logit, target, weight in zip(logits, targets, weights)]
        total = _core.add_n(losses)
        if not average_across_timesteps:
            return total
        return _core.divide(total, _core.add_n(list(weights)) + 1e-12)


def legacy_sequence_loss(logits: Sequence[Any], targets: Sequence[Any], weights: Sequence[Any],
                         average_across_timesteps: bool = True,
                         average_across_batch: bool = True,
                         softmax_loss_function: Callable | None = None,
                         name: str | None = None) -> _core.Tensor:
    """The sum of sequence_loss_by_example, or its mean over the batch."""
    with name_scope(name, "sequence_loss"):
        losses = sequence_loss_by_example(logits, targets, weights, average_across_timesteps,
                                          softmax_loss_function)
        return _core.reduce_mean(losses) if average_across_batch else _core.reduce_sum(losses)
