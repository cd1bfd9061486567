"""tf.estimator."""

from typing import TYPE_CHECKING

from varscope.compat.v1.estimator import export, inputs
from varscope.estimators.linear import (DNNLinearCombinedClassifier, DNNLinearCombinedRegressor,
                                        LinearClassifier, LinearRegressor)
from varscope.compat.v1._missing import missing_of
from varscope.estimators.canned import DNNClassifier, DNNRegressor
from varscope.estimators.config import RunConfig
from varscope.estimators.estimator import Estimator, train_and_evaluate
from varscope.estimators.exporting import FinalExporter, LatestExporter
from varscope.estimators.specs import EstimatorSpec, EvalSpec, ModeKeys, TrainSpec

__all__ = [
    "DNNClassifier", "DNNLinearCombinedClassifier", "DNNLinearCombinedRegressor", "DNNRegressor",
    "Estimator", "EstimatorSpec", "EvalSpec", "FinalExporter", "LatestExporter",
    "LinearClassifier", "LinearRegressor", "ModeKeys",
    "RunConfig", "TrainSpec", "export", "inputs", "train_and_evaluate"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
