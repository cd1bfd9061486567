"""tf.estimator.export."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.estimators.export import ClassificationOutput, PredictOutput, RegressionOutput
from varscope.estimators.exporting import (ServingInputReceiver, TensorServingInputReceiver,
                                           build_raw_serving_input_receiver_fn)

__all__ = [
    "ClassificationOutput", "PredictOutput", "RegressionOutput", "ServingInputReceiver",
    "TensorServingInputReceiver", "build_raw_serving_input_receiver_fn"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
