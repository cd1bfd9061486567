"""tf.keras.metrics."""

from typing import TYPE_CHECKING

from varscope.keras.metrics import (
    Accuracy, BinaryAccuracy, CategoricalAccuracy, MeanAbsoluteError, MeanSquaredError,
    SparseCategoricalAccuracy, binary_accuracy, categorical_accuracy,
    sparse_categorical_accuracy, sparse_top_k_categorical_accuracy, top_k_categorical_accuracy)
from varscope.keras.losses import (
    MAE, MSE, binary_crossentropy, categorical_crossentropy, mae, mean_absolute_error,
    mean_squared_error, mse, sparse_categorical_crossentropy)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "MAE", "MSE", "MeanAbsoluteError",
    "MeanSquaredError", "SparseCategoricalAccuracy", "binary_accuracy", "binary_crossentropy",
    "categorical_accuracy", "categorical_crossentropy", "mae", "mean_absolute_error",
    "mean_squared_error", "mse", "sparse_categorical_accuracy", "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy", "top_k_categorical_accuracy"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
