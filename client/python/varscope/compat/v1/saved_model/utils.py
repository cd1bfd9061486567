"""tf.saved_model.utils."""

from typing import TYPE_CHECKING

from varscope.saved_models.signatures import build_tensor_info, get_tensor_from_tensor_info
from varscope.compat.v1._missing import missing_of

__all__ = [
    "build_tensor_info", "get_tensor_from_tensor_info"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
