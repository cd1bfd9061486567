"""tensorflow.python.layers."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.compat.v1.python._borrowing import borrowing
from varscope.control_flow import smart_cond

_HOMES = {"base": "layers", "convolutional": "layers", "core": "layers", "layers": "layers",
          "normalization": "layers", "pooling": "layers", "utils": "contrib.layers"}

globals().update(borrowing(__name__, _HOMES, utils={"smart_cond": smart_cond}))

__all__: list[str] = []

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
