"""tf.keras.utils."""

from __future__ import annotations

from typing import Any

import numpy as np


def to_categorical(y: Any, num_classes: int | None = None, dtype: str = "float32") -> np.ndarray:
    """Returns a row for each class number, with a 1 there."""
    numbers = np.asarray(y, "int64")
    if numbers.ndim > 1 and numbers.shape[-1] == 1:
        numbers = numbers[..., 0]
    made = np.zeros((*numbers.shape, num_classes or int(numbers.max()) + 1), dtype)
    np.put_along_axis(made, numbers[..., None], 1, -1)
    return made


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """Returns rows of length 1."""
    length = np.atleast_1d(np.linalg.norm(x, order, axis))
    length[length == 0] = 1
    return x / np.expand_dims(length, axis)


class Sequence:
    """Batches by number: a class of a program's own has __getitem__ and __len__."""

    def on_epoch_end(self) -> None:
        """After each epoch."""


def plot_model(model: Any, to_file: str = "model.png", **_: Any) -> None:
    """NotImplementedError: varscope draws no models."""
    raise NotImplementedError("keras.utils.plot_model: varscope draws no models; TensorBoard shows "
                              "the graph that tf.summary.FileWriter wrote")
