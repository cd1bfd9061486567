"""tf.contrib.slim.python."""

from typing import TYPE_CHECKING

from varscope.compat.v1.contrib._slim_python import slim
from varscope.compat.v1._missing import missing_of

__all__ = [
    "slim"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
