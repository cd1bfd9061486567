"""tensorflow.python.platform."""

from typing import TYPE_CHECKING

from varscope.compat.v1 import app, flags, gfile, test
from varscope.compat.v1 import logging as tf_logging
from varscope.compat.v1._missing import missing_of
from varscope.compat.v1.python._borrowing import borrowing

_HOMES = {"googletest": "test", "resource_loader": "resource_loader"}

globals().update(borrowing(__name__, _HOMES))

__all__ = [
    "app", "flags", "gfile", "test", "tf_logging"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
