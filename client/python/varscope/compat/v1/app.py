"""tf.app."""

from typing import TYPE_CHECKING

from varscope.app import run
from varscope.compat.v1 import flags
from varscope.compat.v1._missing import missing_of

__all__ = [
    "flags", "run"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
