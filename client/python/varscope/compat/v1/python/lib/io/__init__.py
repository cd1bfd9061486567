"""tensorflow.python.lib.io."""

from typing import TYPE_CHECKING

from varscope.compat.v1 import python_io
from varscope.compat.v1 import python_io as tf_record
from varscope.compat.v1.python.lib.io import file_io
from varscope.compat.v1._missing import missing_of

__all__ = [
    "file_io", "python_io", "tf_record"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
