"""tf.contrib.learn: words, data sets and estimators."""

from typing import TYPE_CHECKING

from varscope.compat.v1.contrib.learn import datasets, preprocessing, python
from varscope.learning.datasets import ModeKeys
from varscope.learning.estimators import (DNNClassifier, DNNLinearCombinedClassifier,
                                          DNNLinearCombinedRegressor, DNNRegressor, Estimator,
                                          LinearClassifier, LinearRegressor, ModelFnOps, RunConfig,
                                          SKCompat, infer_real_valued_columns_from_input)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "DNNClassifier", "DNNLinearCombinedClassifier", "DNNLinearCombinedRegressor", "DNNRegressor",
    "Estimator", "LinearClassifier", "LinearRegressor", "ModeKeys", "ModelFnOps", "RunConfig",
    "SKCompat", "datasets", "infer_real_valued_columns_from_input", "preprocessing", "python"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
