"""tf.estimator.export: varscope exports no models; a model function may say what it would export."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.estimators.export import ClassificationOutput, PredictOutput, RegressionOutput

__all__ = [
    "ClassificationOutput", "PredictOutput", "RegressionOutput"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
