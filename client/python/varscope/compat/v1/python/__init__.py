"""tensorflow.python: TensorFlow's own modules, as far as scripts reach into them."""

from typing import TYPE_CHECKING

from varscope.compat.v1 import saved_model
from varscope.compat.v1.python import (client, framework, layers, lib, ops, platform,
                                       pywrap_tensorflow, tools, training, util)
from varscope.compat.v1.python._borrowing import borrowing
from varscope.compat.v1._missing import missing_of

_HOMES = {"data": "data", "estimator": "estimator", "feature_column": "feature_column",
          "keras": "keras", "summary": "summary"}

globals().update(borrowing(__name__, _HOMES))

__all__ = [
    "client", "framework", "layers", "lib", "ops", "platform", "pywrap_tensorflow", "saved_model",
    "tools", "training", "util"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
