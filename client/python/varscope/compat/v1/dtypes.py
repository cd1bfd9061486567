"""tf.dtypes."""

from typing import TYPE_CHECKING

from varscope._core import DType, as_dtype
from varscope.casts import cast, saturate_cast
from varscope.strings.ops import as_string
from varscope.strings.tensors import string
from varscope.compat.v1._missing import missing_of

__all__ = [
    "DType", "as_dtype", "as_string", "cast", "saturate_cast", "string"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
