"""tf.keras.losses."""

from typing import TYPE_CHECKING

from varscope.keras.losses import (
    BinaryCrossentropy, CategoricalCrossentropy, Huber, KLD, Loss, MAE, MAPE, MSE, MSLE,
    MeanAbsoluteError, MeanSquaredError, SparseCategoricalCrossentropy, binary_crossentropy,
    categorical_crossentropy, cosine, cosine_proximity, cosine_similarity, get, hinge, kld,
    kullback_leibler_divergence, logcosh, mae, mape, mean_absolute_error,
    mean_absolute_percentage_error, mean_squared_error, mean_squared_logarithmic_error, mse,
    msle, poisson, sparse_categorical_crossentropy, squared_hinge)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "BinaryCrossentropy", "CategoricalCrossentropy", "Huber", "KLD", "Loss", "MAE", "MAPE", "MSE",
    "MSLE", "MeanAbsoluteError", "MeanSquaredError", "SparseCategoricalCrossentropy",
    "binary_crossentropy", "categorical_crossentropy", "cosine", "cosine_proximity",
    "cosine_similarity", "get", "hinge", "kld", "kullback_leibler_divergence", "logcosh", "mae",
    "mape", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error",
    "mean_squared_logarithmic_error", "mse", "msle", "poisson", "sparse_categorical_crossentropy",
    "squared_hinge"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
