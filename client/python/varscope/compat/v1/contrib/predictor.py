"""tf.contrib.predictor."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.saved_models.predictors import Predictor, from_saved_model

__all__ = [
    "Predictor", "from_saved_model"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
