"""tf.losses."""

from typing import TYPE_CHECKING

from varscope.losses import (Reduction, absolute_difference, add_loss, compute_weighted_loss,
                             cosine_distance, get_losses, get_regularization_loss,
                             get_regularization_losses,
                             get_total_loss, hinge_loss, huber_loss, log_loss, mean_squared_error,
                             sigmoid_cross_entropy, softmax_cross_entropy,
                             sparse_softmax_cross_entropy)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "Reduction", "absolute_difference", "add_loss", "compute_weighted_loss", "cosine_distance",
    "get_losses", "get_regularization_loss", "get_regularization_losses", "get_total_loss",
    "hinge_loss", "huber_loss", "log_loss", "mean_squared_error", "sigmoid_cross_entropy",
    "softmax_cross_entropy", "sparse_softmax_cross_entropy"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
