"""tf.contrib.learn's estimators: tf.estimator's, which also fit and predict arrays."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from varscope.estimators import canned, estimator, linear
from varscope.estimators.columns import numeric_column
from varscope.estimators.config import RunConfig as _RunConfig
from varscope.estimators.inputs import numpy_input_fn
from varscope.estimators.specs import EstimatorSpec, ModeKeys


class RunConfig(_RunConfig):
    """How they run; what says more is of clusters and devices."""

    def __init__(self, master: Any = None, num_cores: int = 0, log_device_placement: bool = False,
                 gpu_memory_fraction: float = 1, **keywords: Any) -> None:
        super().__init__(**keywords)


class ModelFnOps(NamedTuple):
    """What a model function may return."""

    mode: Any
    predictions: Any = None
    loss: Any = None
    train_op: Any = None
    eval_metric_ops: Any = None


def _spec(model_fn: Callable[..., Any]) -> Callable[..., EstimatorSpec]:
    """A model function of tf.contrib.learn as one of tf.estimator: it may return three values."""
    takes = inspect.signature(model_fn).parameters

    def model(features: Any, labels: Any, mode: str, params: Any, config: Any) -> EstimatorSpec:
        given = {"mode": mode, "params": params, "config": config}
        keywords = {key: x for key, x in given.items() if key in takes}
        if mode == ModeKeys.PREDICT and labels is None:
            labels = _no_labels(features)
        made = model_fn(features, labels, **keywords)
        if isinstance(made, EstimatorSpec):
            return made
        parts = made[1:] if isinstance(made, ModelFnOps) else made
        predictions, loss, train, *metrics = parts
        return EstimatorSpec(mode, predictions, loss, train,
                             metrics[0] if metrics else None)

    return model


def _no_labels(features: Any) -> Any:
    """Zeros in the place of labels: a model function of that time asks for them always."""
    from varscope import _core
    first = next(iter(features.values())) if isinstance(features, dict) else features
    return _core.cast(_core.zeros_like(first[:, 0] if len(first.shape) > 1 else first), "int64")


class _Fitting:
    """Training, figures and predictions of functions, or of arrays."""

    def fit(self, x: Any = None, y: Any = None, input_fn: Callable[..., Any] | None = None,
            steps: int | None = None, batch_size: int | None = None, monitors: Any = None,
            max_steps: int | None = None) -> Any:
        """Trains, and returns the estimator."""
        fed = input_fn or _input(x, y, batch_size, None, True)
        return self.train(fed, monitors, steps=steps, max_steps=max_steps)

    partial_fit = fit

    def evaluate(self, x: Any = None, y: Any = None, input_fn: Callable[..., Any] | None = None,
                 feed_fn: Any = None, batch_size: int | None = None, steps: int | None = None,
                 metrics: Any = None, name: str | None = None, checkpoint_path: Any = None,
                 hooks: Any = None) -> dict[str, Any]:
        """Returns the figures."""
        if callable(x) and input_fn is None:
            input_fn, x = x, None
        fed = input_fn or _input(x, y, batch_size, 1, False)
        return super().evaluate(fed, steps, hooks, checkpoint_path, name)

    def predict(self, x: Any = None, input_fn: Callable[..., Any] | None = None,
                batch_size: int | None = None, outputs: Any = None,
                as_iterable: bool = True) -> Any:
        """Gives a prediction for each example."""
        made = super().predict(input_fn or _input(x, None, batch_size, 1, False))
        chosen = (self._of_one(one) for one in made)
        return chosen if as_iterable else np.array(list(chosen))

    def _of_one(self, prediction: Any) -> Any:
        return prediction


def _input(x: Any, y: Any, batch_size: int | None, epochs: int | None,
           shuffle: bool) -> Callable[[], Any]:
    """Arrays as an input function; the features are one array, or a dict."""
    array = {key: np.asarray(part) for key, part in x.items()} if isinstance(x, dict) else (
        _of_32_bits(np.asarray(x)))
    labels = None if y is None else _of_32_bits(np.asarray(y))
    count = len(next(iter(array.values())) if isinstance(array, dict) else array)
    return numpy_input_fn(array, labels, batch_size or count, epochs, shuffle)


def _of_32_bits(array: Any) -> Any:
    return array.astype(np.float32) if array.dtype == np.float64 else array


class Estimator(_Fitting, estimator.Estimator):
    """A model of a function."""

    def __init__(self, model_fn: Callable[..., Any], model_dir: str | None = None,
                 config: Any = None, params: Any = None,
                 feature_engineering_fn: None = None) -> None:
        super().__init__(_spec(model_fn), model_dir, config, params)


class SKCompat:
    """An estimator as scikit-learn has them: fit, score and predict of arrays."""

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    def fit(self, x: Any, y: Any, batch_size: int = 128, steps: int | None = None,
            max_steps: int | None = None, monitors: Any = None) -> SKCompat:
        """Trains."""
        self._estimator.fit(x, y, batch_size=batch_size, steps=steps, max_steps=max_steps,
                            monitors=monitors)
        return self

    def score(self, x: Any, y: Any, batch_size: int = 128, steps: int | None = None,
              metrics: Any = None, name: str | None = None) -> dict[str, Any]:
        """Returns the figures."""
        return self._estimator.evaluate(x, y, batch_size=batch_size, steps=steps, name=name)

    def predict(self, x: Any, batch_size: int = 128, outputs: Any = None) -> Any:
        """Returns the predictions of all examples, as arrays."""
        made = list(self._estimator.predict(x, batch_size=batch_size))
        if made and isinstance(made[0], dict):
            return {key: np.array([one[key] for one in made]) for key in made[0]}
        return np.array(made)


def infer_real_valued_columns_from_input(x: Any) -> list[Any]:
    """Returns a column for arrays of this form."""
    return [real_valued_column("", np.asarray(x).shape[1])]


infer_real_valued_columns_from_input_fn = infer_real_valued_columns_from_input


def real_valued_column(column_name: str, dimension: int = 1, default_value: Any = None,
                       dtype: Any = None, normalizer: Any = None) -> Any:
    """Returns a column of numbers; that of no name is the one array that there is."""
    return numeric_column(column_name, [dimension], normalizer_fn=normalizer)


class _Columns(_Fitting):
    """An estimator of columns, of which one without a name is the only array."""

    def train(self, input_fn: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        return super().train(_with_name(input_fn), *args, **keywords)

    def evaluate(self, x: Any = None, y: Any = None, input_fn: Any = None, feed_fn: Any = None,
                 batch_size: int | None = None, steps: int | None = None, metrics: Any = None,
                 name: str | None = None, checkpoint_path: Any = None, hooks: Any = None) -> Any:
        """Returns the figures."""
        if callable(x) and input_fn is None:
            input_fn = x
        fed = _with_name(input_fn or _input(x, y, batch_size, 1, False))
        return super().evaluate(None, None, fed, None, None, steps, None, name, checkpoint_path,
                                hooks)

    def predict(self, x: Any = None, input_fn: Any = None, batch_size: int | None = None,
                outputs: Any = None, as_iterable: bool = True) -> Any:
        """Gives a prediction for each example."""
        fed = _with_name(input_fn or _input(x, None, batch_size, 1, False))
        return super().predict(None, fed, None, outputs, as_iterable)


def _with_name(input_fn: Callable[..., Any]) -> Callable[[], Any]:
    def given() -> Any:
        made = input_fn()
        features, *labels = made if isinstance(made, tuple) else (made,)
        features = features if isinstance(features, dict) else {"": features}
        return (features, *labels) if labels else features

    return given


class _Classes:
    """Predictions that are the number of a class."""

    def _of_one(self, prediction: Any) -> Any:
        return prediction["class_ids"][0]

    def predict_proba(self, x: Any = None, input_fn: Any = None,
                      batch_size: int | None = None) -> Iterator[Any]:
        """Gives the probabilities of the classes for each example."""
        fed = _with_name(input_fn or _input(x, None, batch_size, 1, False))
        return (one["probabilities"] for one in estimator.Estimator.predict(self, fed))

    predict_classes = _Columns.predict


class _Numbers:
    """Predictions that are numbers."""

    def _of_one(self, prediction: Any) -> Any:
        values = prediction["predictions"]
        return values[0] if len(values) == 1 else values

    predict_scores = _Columns.predict


class DNNClassifier(_Classes, _Columns, canned.DNNClassifier):
    """A network that tells classes apart."""


class DNNRegressor(_Numbers, _Columns, canned.DNNRegressor):
    """A network that predicts numbers."""


class LinearClassifier(_Classes, _Columns, linear.LinearClassifier):
    """A linear model that tells classes apart."""


class LinearRegressor(_Numbers, _Columns, linear.LinearRegressor):
    """A linear model that predicts numbers."""


class DNNLinearCombinedClassifier(_Classes, _Columns, linear.DNNLinearCombinedClassifier):
    """A linear model and a network that tell classes apart together."""


class DNNLinearCombinedRegressor(_Numbers, _Columns, linear.DNNLinearCombinedRegressor):
    """A linear model and a network that predict numbers together."""
