"""tf.contrib.learn.python."""

from typing import TYPE_CHECKING

from varscope.compat.v1.contrib.learn.python import learn
from varscope.compat.v1._missing import missing_of

__all__ = [
    "learn"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
