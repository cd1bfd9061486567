"""The labels that steps of CTC say: tf.nn.ctc_greedy_decoder and ctc_beam_search_decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from varscope import _core
from varscope.ops import convert_to_tensor
from varscope.sparse import SparseTensor
from varscope.strings.tensors import Computed, outputs

_INT64, _FLOAT = _core.as_dtype("int64"), _core.as_dtype("float32")
_SPARSE = [(_INT64, [-1, 2]), (_INT64, [-1]), (_INT64, [2])]


def ctc_greedy_decoder(inputs: Any, sequence_length: Any,
                       merge_repeated: bool = True) -> tuple[list[SparseTensor], _core.Tensor]:
    """Returns the labels of the largest logits, [steps, batch, classes], in a list of one, and the
    negative sum of these logits for each sequence, [batch, 1]."""

    def decode(logits: Any, lengths: Any) -> list[Any]:
        best, largest = logits.argmax(2), logits.max(2)
        found, sums = [], []
        for row, length in enumerate(lengths):
            said = best[:length, row]
            new = np.append(True, said[1:] != said[:-1])[:length] if merge_repeated else True
            found.append(said[new & (said != logits.shape[2] - 1)].tolist())
            sums.append([-largest[:length, row].sum()])
        return [*_sparse(found), np.asarray(sums, np.float32).reshape(-1, 1)]

    made = outputs(Computed(decode, [convert_to_tensor(inputs), convert_to_tensor(sequence_length)]),
                   [*_SPARSE, (_FLOAT, [-1, 1])], "CTCGreedyDecoder")
    return [SparseTensor(*made[:3])], made[3]


def _sparse(rows: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """Sequences as the parts of a sparse tensor."""
    places = [(row, place) for row, labels in enumerate(rows) for place in range(len(labels))]
    values = [label for labels in rows for label in labels]
    shape = [len(rows), max([len(labels) for labels in rows], default=0)]
    return [np.asarray(places, np.int64).reshape(-1, 2), np.asarray(values, np.int64),
            np.asarray(shape, np.int64)]


def ctc_beam_search_decoder(inputs: Any, sequence_length: Any, beam_width: int = 100,
                            top_paths: int = 1, merge_repeated: bool = True
                            ) -> tuple[list[SparseTensor], _core.Tensor]:
    """Returns the most probable labels of logits, [steps, batch, classes], and then others, as many
    as top_paths, and the logarithms of their probabilities, [batch, top_paths]. With merge_repeated
    what is repeated in the labels themselves is left out."""
    if top_paths > beam_width:
        raise ValueError(f"top_paths {top_paths} is above beam_width {beam_width}")

    def decode(logits: Any, lengths: Any) -> list[Any]:
        beams = [_beams(logits[:length, row], beam_width)[:top_paths]
                 for row, length in enumerate(lengths)]
        parts: list[Any] = []
        for path in range(top_paths):
            rows = [list(one[path][0]) if path < len(one) else [] for one in beams]
            if merge_repeated:
                rows = [[x for i, x in enumerate(row) if i == 0 or x != row[i - 1]] for row in rows]
            parts += _sparse(rows)
        chances = [[one[path][1] if path < len(one) else -np.inf for path in range(top_paths)]
                   for one in beams]
        return [*parts, np.asarray(chances, np.float32).reshape(-1, top_paths)]

    made = outputs(Computed(decode, [convert_to_tensor(inputs), convert_to_tensor(sequence_length)]),
                   [*_SPARSE * top_paths, (_FLOAT, [-1, top_paths])], "CTCBeamSearchDecoder")
    return [SparseTensor(*made[3 * i:3 * i + 3]) for i in range(top_paths)], made[-1]


def _beams(logits: Any, width: int) -> list[tuple[tuple[int, ...], float]]:
    """The labels of one sequence with their probabilities' logarithms, the most probable first."""
    steps = logits.astype(np.float64)
    steps = steps - np.logaddexp.reduce(steps, axis=1, keepdims=True)
    blank = steps.shape[1] - 1
    # The probabilities of labels that end with nothing, and with their last label.
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -np.inf)}
    for step in steps:
        after: dict[tuple[int, ...], list[float]] = {}
        for labels, (empty, full) in beams.items():
            total = np.logaddexp(empty, full)
            own = after.setdefault(labels, [-np.inf, -np.inf])
            own[0] = np.logaddexp(own[0], total + step[blank])
            if labels:
                own[1] = np.logaddexp(own[1], full + step[labels[-1]])
            for label in range(blank):
                before = empty if labels and label == labels[-1] else total
                more = after.setdefault((*labels, label), [-np.inf, -np.inf])
                more[1] = np.logaddexp(more[1], before + step[label])
        best = sorted(after.items(), key=lambda one: -np.logaddexp(*one[1]))[:width]
        beams = {labels: (empty, full) for labels, (empty, full) in best}
    return [(labels, float(np.logaddexp(*parts))) for labels, parts in beams.items()]
