"""tensorflow.python: TensorFlow's own modules, as far as scripts reach into them."""

from typing import TYPE_CHECKING

from varscope.compat.v1 import saved_model
from varscope.compat.v1.python import framework, layers, ops, platform, pywrap_tensorflow, training, util
from varscope.compat.v1._missing import missing_of

__all__ = [
    "framework", "layers", "ops", "platform", "pywrap_tensorflow", "saved_model",
    "training", "util"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
