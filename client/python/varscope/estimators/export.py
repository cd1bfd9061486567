"""tf.estimator.export: what a model function says of the outputs that are exported."""

from __future__ import annotations

from typing import Any, NamedTuple


class PredictOutput(NamedTuple):
    """Outputs by their names."""

    outputs: Any


class ClassificationOutput(NamedTuple):
    """The scores of classes, and their names."""

    scores: Any = None
    classes: Any = None


class RegressionOutput(NamedTuple):
    """A value."""

    value: Any
