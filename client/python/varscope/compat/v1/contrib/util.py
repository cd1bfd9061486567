"""tf.contrib.util."""

from typing import TYPE_CHECKING

from varscope.tensor_protos import (TensorProto, constant_value, is_tensor, make_ndarray,
                                    make_tensor_proto)
from varscope.compat.v1._missing import missing_of

MakeNdarray = make_ndarray

__all__ = [
    "MakeNdarray", "TensorProto", "constant_value", "is_tensor", "make_ndarray", "make_tensor_proto"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
