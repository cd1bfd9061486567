"""tf.contrib.factorization."""

from typing import TYPE_CHECKING

from varscope.learning.clusters import (COSINE_DISTANCE, KMEANS_PLUS_PLUS_INIT, RANDOM_INIT,
                                        SQUARED_EUCLIDEAN_DISTANCE, KMeans)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "COSINE_DISTANCE", "KMEANS_PLUS_PLUS_INIT", "KMeans", "RANDOM_INIT",
    "SQUARED_EUCLIDEAN_DISTANCE"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
