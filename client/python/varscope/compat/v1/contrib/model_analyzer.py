"""tf.contrib.slim.model_analyzer."""

from typing import TYPE_CHECKING

from varscope.layers.analysis import analyze_ops, analyze_vars
from varscope.compat.v1._missing import missing_of

__all__ = [
    "analyze_ops", "analyze_vars"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
