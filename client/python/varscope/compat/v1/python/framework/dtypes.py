"""tensorflow.python.framework.dtypes."""

from typing import TYPE_CHECKING

from varscope._core import DType, as_dtype
from varscope.compat.v1._missing import missing_of

float16 = as_dtype("float16")
float32 = as_dtype("float32")
float64 = as_dtype("float64")
int32 = as_dtype("int32")
int64 = as_dtype("int64")
uint8 = as_dtype("uint8")

__all__ = [
    "DType", "as_dtype", "float16", "float32", "float64", "int32", "int64", "uint8"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
