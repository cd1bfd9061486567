"""What a model function is asked for, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple


class ModeKeys:
    """What a model function is called for."""

    TRAIN = "train"
    EVAL = "eval"
    PREDICT = "infer"


class _Spec(NamedTuple):
    mode: str
    predictions: Any = None
    loss: Any = None
    train_op: Any = None
    eval_metric_ops: Any = None
    export_outputs: Any = None
    training_chief_hooks: Any = None
    training_hooks: Any = None
    scaffold: Any = None
    evaluation_hooks: Any = None
    prediction_hooks: Any = None


class EstimatorSpec(_Spec):
    """What a model function returns. ValueError for one without what its mode needs."""

    def __new__(cls, mode: str, predictions: Any = None, loss: Any = None, train_op: Any = None,
                eval_metric_ops: Mapping[str, Any] | None = None, export_outputs: Any = None,
                training_chief_hooks: Iterable[Any] | None = None,
                training_hooks: Iterable[Any] | None = None, scaffold: Any = None,
                evaluation_hooks: Iterable[Any] | None = None,
                prediction_hooks: Iterable[Any] | None = None) -> EstimatorSpec:
        if mode == ModeKeys.TRAIN and train_op is None:
            raise ValueError("Missing train_op.")
        if mode in (ModeKeys.TRAIN, ModeKeys.EVAL) and loss is None:
            raise ValueError("Missing loss.")
        if mode == ModeKeys.PREDICT and predictions is None:
            raise ValueError("Missing predictions.")
        return super().__new__(
            cls, mode, {} if predictions is None else predictions, loss, train_op,
            dict(eval_metric_ops or {}), export_outputs, tuple(training_chief_hooks or ()),
            tuple(training_hooks or ()), scaffold, tuple(evaluation_hooks or ()),
            tuple(prediction_hooks or ()))


class TrainSpec(NamedTuple):
    """What train_and_evaluate trains with, and up to which global step."""

    input_fn: Callable[..., Any]
    max_steps: int | None = None
    hooks: Iterable[Any] = ()


class EvalSpec(NamedTuple):
    """What train_and_evaluate evaluates with, and with how many batches."""

    input_fn: Callable[..., Any]
    steps: int | None = 100
    name: str | None = None
    hooks: Iterable[Any] = ()
    exporters: Any = None
    start_delay_secs: float = 120
    throttle_secs: float = 600
