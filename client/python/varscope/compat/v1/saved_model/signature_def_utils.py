"""tf.saved_model.signature_def_utils."""

from typing import TYPE_CHECKING

from varscope.saved_models.signatures import (
    build_signature_def, classification_signature_def, is_valid_signature,
    predict_signature_def, regression_signature_def)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "build_signature_def", "classification_signature_def", "is_valid_signature",
    "predict_signature_def", "regression_signature_def"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
