"""tf.contrib.factorization.KMeans: centers of clusters, which move to the means of what is near them."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.arrays import one_hot
from varscope.ops import convert_to_tensor, group
from varscope.compat.v1 import nn
from varscope.random_numbers import random_shuffle
from varscope.rounding import div_no_nan
from varscope.scopes import control_dependencies, name_scope
from varscope.variable_class import Variable
from varscope.variables import assign

SQUARED_EUCLIDEAN_DISTANCE, COSINE_DISTANCE = "squared_euclidean", "cosine"
RANDOM_INIT, KMEANS_PLUS_PLUS_INIT = "random", "kmeans_plus_plus"


class KMeans:
    """Clusters of rows, [n, size]."""

    def __init__(self, inputs: Any, num_clusters: int, initial_clusters: Any = RANDOM_INIT,
                 distance_metric: str = SQUARED_EUCLIDEAN_DISTANCE, use_mini_batch: bool = False,
                 mini_batch_steps_per_iteration: int = 1, random_seed: int = 0,
                 kmeans_plus_plus_num_retries: int = 2, kmc2_chain_length: int = 200) -> None:
        self._inputs = [convert_to_tensor(x) for x in (
            inputs if isinstance(inputs, list) else [inputs])]
        if distance_metric not in (SQUARED_EUCLIDEAN_DISTANCE, COSINE_DISTANCE):
            raise ValueError(f"Unsupported distance metric passed to Kmeans {distance_metric}")
        self._count, self._metric = num_clusters, distance_metric
        self._initial, self._seed = initial_clusters, random_seed
        self._by_batches = use_mini_batch

    def training_graph(self) -> tuple[Any, ...]:
        """Returns of each input the distances to all centers, the nearest one and the distance to it;
        whether the centers have begun, the centers, and what begins and what moves them."""
        with name_scope("KMeans"):
            size = self._inputs[0].shape.as_list()[1]
            centers = Variable(_core.zeros([self._count, size], "float32"), trainable=False,
                               name="clusters")
            seen = Variable(_core.zeros([self._count], "float32"), trainable=False,
                            name="update_in_steps")
            begun = Variable(False, trainable=False, name="initialized")
            rows = self._inputs[0] if len(self._inputs) == 1 else _core._concat(
                self._inputs, 0, None)
            init = group(assign(centers, self._unit(self._first(rows))), assign(begun, True))
            scores = [self._scores(x, centers) for x in self._inputs]
            nearest = [_core.argmin(one, 1) for one in scores]
            least = [_core.reduce_min(one, 1) for one in scores]
            train = self._moved(rows, centers, seen)
            return scores, nearest, least, begun.value(), centers, init, train

    def _unit(self, rows: Any) -> Any:
        return nn.l2_normalize(rows, 1) if self._metric == COSINE_DISTANCE else rows

    def _first(self, rows: Any) -> Any:
        if callable(self._initial):
            return self._initial(rows, self._count)
        if not isinstance(self._initial, str):
            return convert_to_tensor(self._initial)
        return random_shuffle(rows, seed=self._seed)[:self._count]

    def _scores(self, rows: Any, centers: Any) -> Any:
        products = _core.matmul(self._unit(rows), centers.value(), transpose_b=True)
        if self._metric == COSINE_DISTANCE:
            return 1.0 - products
        of_rows = _core.reduce_sum(_core.square(rows), 1, True)
        of_centers = _core.reduce_sum(_core.square(centers.value()), 1)
        return of_rows - 2.0 * products + of_centers

    def _moved(self, rows: Any, centers: Any, seen: Any) -> Any:
        """All centers to the means of their rows; by batches as far as what they have seen says."""
        near = one_hot(_core.argmin(self._scores(rows, centers), 1), self._count)
        counts = _core.reduce_sum(near, 0)
        sums = _core.matmul(near, self._unit(rows), transpose_a=True)
        before = seen.value() if self._by_batches else _core.zeros_like(seen.value())
        total = before + counts
        kept = _core.reshape(before, [-1, 1]) * centers.value()
        moved = div_no_nan(kept + sums, _core.reshape(total, [-1, 1]))
        there = _core.reshape(_core.cast(_core.greater(total, 0.0), "float32"), [-1, 1])
        moved = self._unit(moved * there + centers.value() * (1.0 - there))
        with control_dependencies([moved.op, total.op]):
            return group(assign(centers, moved), assign(seen, total))
