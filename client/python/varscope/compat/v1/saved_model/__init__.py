"""tf.saved_model: models in folders."""

from typing import TYPE_CHECKING

from varscope.compat.v1.saved_model import (builder, constants, loader, main_op,
                                            signature_constants, signature_def_utils,
                                            tag_constants, utils)
from varscope.compat.v1.saved_model.constants import *  # noqa: F403
from varscope.compat.v1.saved_model.signature_constants import *  # noqa: F403
from varscope.compat.v1.saved_model.tag_constants import *  # noqa: F403
from varscope.saved_models.builder import SavedModelBuilder as Builder
from varscope.saved_models.builder import simple_save
from varscope.saved_models.loader import contains_saved_model, load, maybe_saved_model_directory
from varscope.saved_models.signatures import (
    build_signature_def, build_tensor_info, classification_signature_def,
    get_tensor_from_tensor_info, is_valid_signature, predict_signature_def,
    regression_signature_def)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "Builder", "build_signature_def", "build_tensor_info", "builder",
    "classification_signature_def", "constants", "contains_saved_model",
    "get_tensor_from_tensor_info", "is_valid_signature", "load", "loader", "main_op",
    "maybe_saved_model_directory", "predict_signature_def", "regression_signature_def",
    "signature_constants", "signature_def_utils", "simple_save", "tag_constants", "utils",
    *constants.__all__, *signature_constants.__all__, *tag_constants.__all__
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
