"""tf.contrib.losses.metric_learning: losses of distances between embeddings."""

from __future__ import annotations

from typing import Any

from varscope import _core, arrays
from varscope.matrices import eye
from varscope.compat.v1 import nn
from varscope.ops import convert_to_tensor, expand_dims


def _distances(x: Any) -> Any:
    """The squared distances of all pairs."""
    squares = _core.reduce_sum(_core.square(x), 1, True)
    away = squares + _core.transpose(squares) - 2.0 * _core.matmul(x, _core.transpose(x))
    return _core.maximum(away, 0.0) * (1.0 - eye(_core.shape(x)[0]))


def contrastive_loss(labels: Any, embeddings_anchor: Any, embeddings_positive: Any,
                     margin: float = 1.0) -> Any:
    """The squared distance of pairs with the label 1; the others are to be farther than the margin."""
    away = _core.sqrt(_core.reduce_sum(_core.square(
        convert_to_tensor(embeddings_anchor) - embeddings_positive), 1))
    same = _core.cast(labels, "float32")
    return _core.reduce_mean(same * _core.square(away) + (1.0 - same) * _core.square(
        _core.maximum(margin - away, 0.0)), name="contrastive_loss")


def triplet_semihard_loss(labels: Any, embeddings: Any, margin: float = 1.0) -> Any:
    """For each pair of one label: the nearest of another label that is farther than the pair, or the
    farthest of all, is to be farther by the margin."""
    away = _distances(convert_to_tensor(embeddings))
    own = arrays.reshape(convert_to_tensor(labels), [-1, 1])
    same = _core.cast(_core.equal(own, _core.transpose(own)), "float32")
    other = 1.0 - same
    # [a, p, n]: how far n is from a, beside the pair (a, p).
    pairs, negatives = expand_dims(away, 2), expand_dims(away, 1)
    farther = _core.cast(_core.greater(negatives, pairs), "float32") * expand_dims(other, 1)
    none = 1.0 - _core.reduce_max(farther, 2)
    largest = _core.reduce_max(negatives, 2, True)
    nearest = _core.reduce_min((negatives - largest) * farther, 2, True) + largest
    lowest = _core.reduce_min(away, 1, True)
    farthest = _core.reduce_max((away - lowest) * other, 1, True) + lowest
    chosen = none * farthest + (1.0 - none) * _core.squeeze(nearest, [2])
    positive = same - eye(_core.shape(away)[0])
    loss = nn.relu(margin + away - chosen) * positive
    return _core.divide(_core.reduce_sum(loss), _core.reduce_sum(positive),
                        name="triplet_semihard_loss")
