"""tf.contrib.tpu."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.estimators.tpu import (CrossShardOptimizer, InputPipelineConfig, RunConfig, TPUConfig,
                                     TPUEstimator, TPUEstimatorSpec)

__all__ = [
    "CrossShardOptimizer", "InputPipelineConfig", "RunConfig", "TPUConfig", "TPUEstimator",
    "TPUEstimatorSpec"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
