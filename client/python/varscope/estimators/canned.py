"""Estimators whose models are made: layers of a network, or none, above feature columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from varscope import _core, curves, losses, metrics, optimizers
from varscope.arrays import reshape
from varscope.compat.v1 import nn
from varscope.estimators import columns
from varscope.estimators.estimator import Estimator
from varscope.estimators.specs import EstimatorSpec, ModeKeys
from varscope.layers.dense import dense
from varscope.layers.dropout import dropout as dropped
from varscope.ops import convert_to_tensor
from varscope.scopes import refuse, variable_scope
from varscope.strings.tensors import computed
from varscope.training.hooks import global_step_of_graph

_OPTIMIZERS = {"Adagrad": optimizers.AdagradOptimizer, "Adam": optimizers.AdamOptimizer,
               "Ftrl": optimizers.FtrlOptimizer, "RMSProp": optimizers.RMSPropOptimizer,
               "SGD": optimizers.GradientDescentOptimizer}


def _optimizer(given: Any, rate: float) -> Any:
    """An optimizer of a name, with the usual rate; else what is given, or what it returns."""
    if isinstance(given, str):
        if given not in _OPTIMIZERS:
            raise ValueError(f"Unsupported optimizer name: {given}. Supported names are: "
                             f"{tuple(sorted(_OPTIMIZERS))}")
        return _OPTIMIZERS[given](rate)
    return given() if callable(given) else given


def _classified(logits: Any, classes: int) -> dict[str, Any]:
    """The predictions of a classifier; of two classes the logits are one number."""
    if classes == 2:
        logistic = _core.sigmoid(logits, "logistic")
        both = _core._concat([_core.zeros_like(logits), logits], 1, None)
        made = {"logits": logits, "logistic": logistic}
    else:
        both, made = logits, {"logits": logits}
    ids = reshape(_core.argmax(both, 1), [-1, 1], "class_ids")
    names = computed("classes", lambda numbers: [[str(int(number)).encode()] for [number] in
                                                 numbers], [ids], [-1, 1])
    return {**made, "probabilities": nn.softmax(both, name="probabilities"), "class_ids": ids,
            "classes": names}


class _Canned(Estimator):
    """A model of columns; the subclasses say what its numbers mean."""

    def __init__(self, feature_columns: Any, units: Sequence[int], size: int, scope: str,
                 optimizer: Any, rate: float, activation: Any, dropout: Any, model_dir: Any,
                 config: Any, logits_fn: Callable[[Any, str], Any] | None = None) -> None:
        def network(features: Any, mode: str) -> Any:
            with variable_scope(scope):
                with variable_scope("input_from_feature_columns"):
                    net = columns.input_layer(features, feature_columns)
                for number, count in enumerate(units):
                    net = dense(net, count, activation, name=f"hiddenlayer_{number}")
                    if dropout is not None and mode == ModeKeys.TRAIN:
                        net = dropped(net, dropout, training=True)
                return dense(net, size, name="logits")

        def model(features: Any, labels: Any, mode: str) -> EstimatorSpec:
            made = (logits_fn or network)(features, mode)
            predictions = self._predictions(made)
            if mode == ModeKeys.PREDICT:
                return EstimatorSpec(mode, predictions)
            labels = convert_to_tensor(labels)
            each = self._losses(made, labels)
            loss = _core.reduce_sum(each, name="loss")
            if mode == ModeKeys.EVAL:
                return EstimatorSpec(mode, predictions, loss, eval_metric_ops=self._metrics(
                    predictions, labels, each))
            train = _optimizer(optimizer, rate).minimize(loss, global_step_of_graph())
            return EstimatorSpec(mode, predictions, loss, train)

        super().__init__(model, model_dir, config)

    def _predictions(self, logits: Any) -> dict[str, Any]:
        raise NotImplementedError

    def _losses(self, logits: Any, labels: Any) -> Any:
        raise NotImplementedError

    def _metrics(self, predictions: Any, labels: Any, each: Any) -> dict[str, Any]:
        raise NotImplementedError


class _Classifier(_Canned):
    """The numbers are a class's logits."""

    _classes = 2

    def _predictions(self, logits: Any) -> dict[str, Any]:
        return _classified(logits, self._classes)

    def _losses(self, logits: Any, labels: Any) -> Any:
        if self._classes == 2:
            return nn.sigmoid_cross_entropy_with_logits(
                labels=reshape(_core.cast(labels, "float32"), [-1, 1]), logits=logits)
        return nn.sparse_softmax_cross_entropy_with_logits(
            labels=reshape(_core.cast(labels, "int64"), [-1]), logits=logits)

    def _metrics(self, predictions: Any, labels: Any, each: Any) -> dict[str, Any]:
        labels = reshape(_core.cast(labels, "int64"), [-1, 1])
        ids = predictions["class_ids"]
        found = {"accuracy": metrics.accuracy(labels, ids), "average_loss": metrics.mean(each)}
        if self._classes == 2:
            truth, share = _core.cast(labels, "float32"), predictions["logistic"]
            found |= {"label/mean": metrics.mean(truth), "prediction/mean": metrics.mean(share),
                      "precision": metrics.precision(labels, ids),
                      "recall": metrics.recall(labels, ids), "auc": curves.auc(truth, share),
                      "auc_precision_recall": curves.auc(truth, share, curve="PR")}
        return found


class _Regressor(_Canned):
    """The numbers are the predictions."""

    def _predictions(self, logits: Any) -> dict[str, Any]:
        return {"predictions": logits}

    def _losses(self, logits: Any, labels: Any) -> Any:
        size = logits.shape.as_list()[1]
        return losses.mean_squared_error(
            reshape(_core.cast(labels, "float32"), [-1, size]), logits, loss_collection=None,
            reduction=losses.Reduction.NONE)

    def _metrics(self, predictions: Any, labels: Any, each: Any) -> dict[str, Any]:
        return {"average_loss": metrics.mean(each),
                "label/mean": metrics.mean(_core.cast(labels, "float32")),
                "prediction/mean": metrics.mean(predictions["predictions"])}


class DNNClassifier(_Classifier):
    """A network that tells classes apart, which are numbers from 0 on."""

    def __init__(self, hidden_units: Sequence[int], feature_columns: Iterable[Any],
                 model_dir: str | None = None, n_classes: int = 2, weight_column: None = None,
                 label_vocabulary: None = None, optimizer: Any = "Adagrad",
                 activation_fn: Callable = _core.nn.relu, dropout: float | None = None,
                 config: Any = None) -> None:
        refuse("DNNClassifier", weight_column=weight_column,
               label_vocabulary=label_vocabulary)
        self._classes = n_classes
        super().__init__(feature_columns, hidden_units, n_classes if n_classes > 2 else 1, "dnn",
                         optimizer, 0.05, activation_fn, dropout, model_dir, config)


class DNNRegressor(_Regressor):
    """A network that predicts numbers."""

    def __init__(self, hidden_units: Sequence[int], feature_columns: Iterable[Any],
                 model_dir: str | None = None, label_dimension: int = 1,
                 weight_column: None = None, optimizer: Any = "Adagrad",
                 activation_fn: Callable = _core.nn.relu, dropout: float | None = None,
                 config: Any = None) -> None:
        refuse("DNNRegressor", weight_column=weight_column)
        super().__init__(feature_columns, hidden_units, label_dimension, "dnn", optimizer, 0.05,
                         activation_fn, dropout, model_dir, config)
