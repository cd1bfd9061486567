"""tf.estimator.inputs: arrays as functions that give batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from varscope.data.dataset import Dataset


def numpy_input_fn(x: Any, y: Any = None, batch_size: int = 128, num_epochs: int | None = 1,
                   shuffle: bool | None = None, queue_capacity: int = 1000,
                   num_threads: int = 1) -> Callable[[], Any]:
    """Returns a function that gives (features, labels) of the next batch: parts of the arrays in x
    and y, which are dictionaries or arrays. Epochs follow each other without a gap."""
    if not isinstance(shuffle, bool):
        raise ValueError("shuffle must be provided and explicitly set as boolean (it is recommended "
                         f"to set it as True for training); got {shuffle}")
    columns = {"x": x, "y": y} if y is not None else {"x": x}
    for name, column in columns.items():
        if not isinstance(column, (dict, np.ndarray)) or isinstance(column, dict) and not column:
            raise TypeError(f"{name} must be a dict or array; got {type(column).__name__}")
    _check_lengths(columns)

    def input_fn() -> Any:
        data = Dataset.from_tensor_slices(columns)
        if shuffle:
            data = data.shuffle(queue_capacity)
        batch = data.repeat(num_epochs).batch(batch_size).make_one_shot_iterator().get_next()
        return (batch["x"], batch["y"]) if "y" in batch else batch["x"]

    return input_fn


def _check_lengths(columns: Any) -> None:
    parts = {f"{name}[{key}]" if isinstance(column, dict) else name: part
             for name, column in columns.items()
             for key, part in (column.items() if isinstance(column, dict) else [("", column)])}
    lengths = {name: len(part) for name, part in parts.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError("Length of tensors in x and y is mismatched. All elements in x and y must "
                         f"have the same length: {lengths}")


def pandas_input_fn(x: Any, y: Any = None, batch_size: int = 128, num_epochs: int | None = 1,
                    shuffle: bool | None = None, queue_capacity: int = 1000, num_threads: int = 1,
                    target_column: str = "target") -> Callable[[], Any]:
    """The same of a DataFrame, whose columns are the features, and a Series."""
    features = {str(name): np.asarray(x[name]) for name in x.columns}
    labels = y
    if y is not None:
        labels = np.asarray(y) if not hasattr(y, "columns") else {
            str(name): np.asarray(y[name]) for name in y.columns}
    return numpy_input_fn(features, labels, batch_size, num_epochs, shuffle, queue_capacity,
                          num_threads)
