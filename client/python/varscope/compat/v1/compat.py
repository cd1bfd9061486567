"""tf.compat: the same words once more, for programs of TensorFlow 2 that say tf.compat.v1."""

from typing import TYPE_CHECKING

import varscope.compat.v1 as v1
from varscope.compat.v1._missing import missing_of

__all__ = ["v1"]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
