"""tf.contrib.losses."""

from typing import TYPE_CHECKING

from varscope.compat.v1.contrib import _metric_learning as metric_learning
from varscope.compat.v1._missing import missing_of
from varscope.layers.contrib_losses import (absolute_difference, hinge_loss, log_loss,
                                            mean_squared_error, sigmoid_cross_entropy,
                                            softmax_cross_entropy, sparse_softmax_cross_entropy)
from varscope.losses import (add_loss, compute_weighted_loss, get_losses,
                             get_regularization_losses, get_total_loss)

__all__ = [
    "absolute_difference", "add_loss", "compute_weighted_loss", "get_losses",
    "get_regularization_losses", "get_total_loss", "hinge_loss", "log_loss", "mean_squared_error",
    "metric_learning", "sigmoid_cross_entropy", "softmax_cross_entropy",
    "sparse_softmax_cross_entropy"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
