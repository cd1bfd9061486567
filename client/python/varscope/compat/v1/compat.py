"""tf.compat: the same words once more, for programs of TensorFlow 2 that say tf.compat.v1."""

from typing import TYPE_CHECKING

import varscope.compat.v1 as v1
from varscope.texts import as_bytes, as_str, as_str_any, as_text
from varscope.compat.v1._missing import missing_of

__all__ = ["as_bytes", "as_str", "as_str_any", "as_text", "v1"]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
