"""tf.nn.ctc_loss: the probability of labels, whichever steps say them. Graves et al. 2006."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.arrays import one_hot, sequence_mask
from varscope.arrays import range as range_
from varscope.checks import checked
from varscope.compat import v1 as tf
from varscope.counting import reduce_all
from varscope.loops import foldl
from varscope.ops import convert_to_tensor, expand_dims
from varscope.scopes import name_scope
from varscope.selecting import kept
from varscope.sparse import SparseTensor, sparse_to_dense

# The logarithm of no probability at all: its sums and gradients are numbers.
_NEVER = -1e30


def ctc_loss(labels: SparseTensor, inputs: Any = None, sequence_length: Any = None,
             preprocess_collapse_repeated: bool = False, ctc_merge_repeated: bool = True,
             ignore_longer_outputs_than_inputs: bool = False, time_major: bool = True,
             logits: Any = None) -> _core.Tensor:
    """Returns for each sequence the negative logarithm of its labels' probability. `inputs` are
    logits, [steps, batch, classes], of which the last class says nothing. A run raises
    InvalidArgumentError for labels that need more steps than there are, unless they are ignored."""
    if preprocess_collapse_repeated or not ctc_merge_repeated:
        raise NotImplementedError("ctc_loss: varscope merges what is repeated in the steps, and "
                                  "nothing else")
    if not isinstance(labels, SparseTensor):
        raise TypeError("Expected labels (first argument) to be a SparseTensor")
    with name_scope("CTCLoss") as scope:
        steps = convert_to_tensor(logits if inputs is None else inputs)
        if not time_major:
            steps = _core.transpose(steps, [1, 0, 2])
        length = _core.cast(sequence_length, "int32")
        rows, count = _rows(labels, _core.shape(steps)[1])
        fits = _core.less_equal(count + _repeated(rows, count), length)
        if not ignore_longer_outputs_than_inputs:
            length = checked(length, reduce_all(fits),
                             "there_are_not_enough_steps_for_the_labels")
        loss = -_log_likelihood(_core.nn._log_softmax(steps, None), rows, count, length)
        return kept(fits, loss, scope)


def _rows(labels: SparseTensor, batch: Any) -> tuple[Any, Any]:
    """The labels as [batch, most labels], and how many each sequence has."""
    most = _core.cast(labels.dense_shape[1], "int32")
    rows = sparse_to_dense(labels.indices, tf.stack([batch, most]),
                           _core.cast(labels.values, "int32"))
    places = labels.indices[:, 0]
    each = _core.cast(_core.ones_like(places), "int32")
    return rows, _core.unsorted_segment_sum(each, places, batch)


def _repeated(rows: Any, count: Any) -> Any:
    """How many labels are those before them: a step must say nothing in between."""
    same = _core.equal(rows[:, 1:], rows[:, :-1])
    there = sequence_mask(count, _core.shape(rows)[1])[:, 1:]
    return _core.reduce_sum(_core.cast(_core.logical_and(same, there), "int32"), 1)


def _log_likelihood(steps: Any, rows: Any, count: Any, length: Any) -> Any:
    """Sums over all ways to say the labels, with and without nothing between them."""
    classes = steps.shape.as_list()[2]
    batch = _core.shape(rows)[0]
    nothing = tf.fill(tf.stack([batch, 1]), classes - 1)
    between = _core.ones_like(rows) * (classes - 1)
    said = tf.reshape(tf.stack([between, rows], 2), tf.stack([batch, -1]))
    said = _core._concat([said, nothing], 1, None)
    # The logarithm of each step's probability of each of these, [steps, batch, said].
    chosen = one_hot(said, classes, dtype=steps.dtype)
    of_each = _core.transpose(_core.matmul(chosen, _core.transpose(steps, [1, 2, 0])), [2, 0, 1])
    # What may follow what is two places before: another label.
    skips = _core.logical_and(_core.not_equal(said[:, 2:], said[:, :-2]),
                              _core.not_equal(said[:, 2:], classes - 1))
    skips = _core._pad(skips, [(0, 0), (2, 0)], None)
    place = range_(_core.shape(said)[1])
    begins = _core.less(expand_dims(place, 0), 1 + expand_dims(_core.minimum(count, 1), 1))
    first = _where(begins, of_each[0])

    def step(before: Any, now: Any) -> Any:
        number, chances = now
        from_one, from_two = _moved(before, 1), _where(skips, _moved(before, 2))
        after = _sum_of_logs([before, from_one, from_two]) + chances
        active = _core._broadcast_to(expand_dims(_core.less(number, length), 1),
                                     _core.shape(after), None)
        return _core._where(active, after, before, None)

    numbers = range_(1, _core.shape(of_each)[0])
    last = foldl(step, (numbers, of_each[1:]), first)
    ends = expand_dims(count * 2, 1)
    place = expand_dims(place, 0)
    final = _core.logical_or(_core.equal(place, ends), _core.equal(place, ends - 1))
    return _core.reduce_logsumexp(_where(final, last), 1)


def _moved(x: Any, by: int) -> Any:
    """Each element `by` places later; never before that."""
    return _core._concat([_core.ones_like(x[:, :by]) * _NEVER, x[:, :-by]], 1, None)


def _where(mask: Any, x: Any) -> Any:
    mask = _core._broadcast_to(mask, _core.shape(x), None)
    return _core._where(mask, x, _core.ones_like(x) * _NEVER, None)


def _sum_of_logs(parts: list[Any]) -> Any:
    return _core.reduce_logsumexp(_core.stack(parts), 0)
