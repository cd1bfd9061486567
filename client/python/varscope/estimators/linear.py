"""Linear models of columns: tf.feature_column.linear_model, and estimators of them, alone and beside a
network."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from varscope import _core, initializers
from varscope.compat.v1 import nn
from varscope.estimators.canned import _Classifier, _optimizer, _Regressor
from varscope.estimators.columns import Column, _Categorical, input_layer
from varscope.layers.dense import dense
from varscope.layers.dropout import dropout as dropped
from varscope.ops import group
from varscope.scopes import control_dependencies, refuse, variable_scope
from varscope.selecting import kept
from varscope.variables import assign_add, get_variable


def linear_model(features: Any, feature_columns: Any, units: int = 1,
                 sparse_combiner: str = "sum", weight_collections: Any = None,
                 trainable: bool = True, cols_to_vars: Any = None) -> _core.Tensor:
    """Returns the sum of all columns times weights, which begin as zeros, plus a bias."""
    columns = [feature_columns] if isinstance(feature_columns, Column) else list(feature_columns)
    total: Any = None
    with variable_scope(None, "linear_model"):
        for column in sorted(columns, key=lambda own: own.name):
            with variable_scope(None, column.name):
                weights = get_variable("weights", [column.size, units],
                                       initializer=initializers.Zeros(), trainable=trainable)
                part = _times(column, features, weights, trainable)
            total = part if total is None else total + part
        bias = get_variable("bias_weights", [units], initializer=initializers.Zeros(),
                            trainable=trainable)
        return nn.bias_add(total, bias, name="weighted_sum")


def _times(column: Column, features: Any, weights: Any, trainable: bool) -> Any:
    if not isinstance(column, _Categorical):
        return _core.matmul(column.dense(features, trainable), weights)
    numbers = column.numbers(features)
    rows = nn.embedding_lookup(weights, _core.maximum(numbers, _core.cast(0, numbers.dtype)))
    there = _core.greater_equal(numbers, _core.cast(0, numbers.dtype))
    return kept(there[:, None], rows)


def _rate(columns: Iterable[Any]) -> float:
    """The learning rate of a linear model of so many columns."""
    return min(0.2, 1.0 / math.sqrt(len(list(columns))))


class _Linear:
    """What linear estimators have instead of a network."""

    def _logits_of(self, feature_columns: Any, size: int) -> Callable[[Any, str], Any]:
        def logits(features: Any, mode: str) -> Any:
            with variable_scope("linear"):
                return linear_model(features, feature_columns, size)

        return logits


class LinearClassifier(_Linear, _Classifier):
    """A linear model that tells classes apart, which are numbers from 0 on."""

    def __init__(self, feature_columns: Iterable[Any], model_dir: str | None = None,
                 n_classes: int = 2, weight_column: None = None, label_vocabulary: None = None,
                 optimizer: Any = "Ftrl", config: Any = None, partitioner: Any = None,
                 warm_start_from: None = None) -> None:
        refuse("LinearClassifier", weight_column=weight_column, label_vocabulary=label_vocabulary,
               warm_start_from=warm_start_from)
        columns = list(feature_columns)
        self._classes, size = n_classes, n_classes if n_classes > 2 else 1
        super().__init__(columns, (), size, "linear", optimizer, _rate(columns), None, None,
                         model_dir, config, self._logits_of(columns, size))


class LinearRegressor(_Linear, _Regressor):
    """A linear model that predicts numbers."""

    def __init__(self, feature_columns: Iterable[Any], model_dir: str | None = None,
                 label_dimension: int = 1, weight_column: None = None, optimizer: Any = "Ftrl",
                 config: Any = None, partitioner: Any = None,
                 warm_start_from: None = None) -> None:
        refuse("LinearRegressor", weight_column=weight_column, warm_start_from=warm_start_from)
        columns = list(feature_columns)
        super().__init__(columns, (), label_dimension, "linear", optimizer, _rate(columns), None,
                         None, model_dir, config, self._logits_of(columns, label_dimension))


class _Both:
    """A linear model and a network, whose numbers are added; each has an optimizer of its own."""

    def _joined(self, linear: Sequence[Any], deep: Sequence[Any], units: Sequence[int], size: int,
                activation: Callable, dropout: float | None) -> Callable[[Any, str], Any]:
        def logits(features: Any, mode: str) -> Any:
            parts = []
            if deep:
                with variable_scope("dnn"):
                    net = input_layer(features, deep)
                    for number, count in enumerate(units):
                        net = dense(net, count, activation, name=f"hiddenlayer_{number}")
                        if dropout is not None and mode == "train":
                            net = dropped(net, dropout, training=True)
                    parts.append(dense(net, size, name="logits"))
            if linear:
                with variable_scope("linear"):
                    parts.append(linear_model(features, linear, size))
            return parts[0] if len(parts) == 1 else _core.add_n(parts)

        return logits


class _Each:
    """Two optimizers: that of the linear model's variables, and that of the network's."""

    def __init__(self, linear: Any, deep: Any) -> None:
        self._of = {"linear": linear, "dnn": deep}

    def minimize(self, loss: Any, global_step: Any) -> Any:
        steps = []
        for scope, optimizer in self._of.items():
            own = _core.trainable_variables(scope + "/")
            if own:
                steps.append(optimizer.minimize(loss, var_list=own))
        with control_dependencies(steps):
            return group(assign_add(global_step, 1))


def _two(linear: Any, columns: Sequence[Any], deep: Any) -> Callable[[], _Each]:
    rate = min(0.005, 1.0 / math.sqrt(len(columns))) if columns else 0.005
    return lambda: _Each(_optimizer(linear, rate), _optimizer(deep, 0.05))


class DNNLinearCombinedClassifier(_Both, _Classifier):
    """A linear model and a network that tell classes apart together: Cheng et al. 2016 (arXiv
    1606.07792)."""

    def __init__(self, model_dir: str | None = None, linear_feature_columns: Any = None,
                 linear_optimizer: Any = "Ftrl", dnn_feature_columns: Any = None,
                 dnn_optimizer: Any = "Adagrad", dnn_hidden_units: Sequence[int] | None = None,
                 dnn_activation_fn: Callable = _core.nn.relu, dnn_dropout: float | None = None,
                 n_classes: int = 2, weight_column: None = None, label_vocabulary: None = None,
                 config: Any = None) -> None:
        refuse("DNNLinearCombinedClassifier", weight_column=weight_column,
               label_vocabulary=label_vocabulary)
        wide, deep = list(linear_feature_columns or ()), list(dnn_feature_columns or ())
        self._classes, size = n_classes, n_classes if n_classes > 2 else 1
        super().__init__(wide + deep, (), size, "dnn", _two(linear_optimizer, wide, dnn_optimizer),
                         0.0, None, None, model_dir, config, self._joined(
                             wide, deep, dnn_hidden_units or (), size, dnn_activation_fn,
                             dnn_dropout))


class DNNLinearCombinedRegressor(_Both, _Regressor):
    """A linear model and a network that predict numbers together."""

    def __init__(self, model_dir: str | None = None, linear_feature_columns: Any = None,
                 linear_optimizer: Any = "Ftrl", dnn_feature_columns: Any = None,
                 dnn_optimizer: Any = "Adagrad", dnn_hidden_units: Sequence[int] | None = None,
                 dnn_activation_fn: Callable = _core.nn.relu, dnn_dropout: float | None = None,
                 label_dimension: int = 1, weight_column: None = None, config: Any = None) -> None:
        refuse("DNNLinearCombinedRegressor", weight_column=weight_column)
        wide, deep = list(linear_feature_columns or ()), list(dnn_feature_columns or ())
        super().__init__(wide + deep, (), label_dimension, "dnn",
                         _two(linear_optimizer, wide, dnn_optimizer), 0.0, None, None, model_dir,
                         config, self._joined(wide, deep, dnn_hidden_units or (), label_dimension,
                                              dnn_activation_fn, dnn_dropout))
