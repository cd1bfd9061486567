"""tf.contrib.framework."""

from typing import TYPE_CHECKING

from varscope._core import get_or_create_global_step
from varscope.collections_ import get_trainable_variables, get_variables
from varscope.compat.v1.train import get_global_step
from varscope.layers.arguments import add_arg_scope, arg_scope
from varscope.layers.nested import nest
from varscope.compat.v1._missing import missing_of

__all__ = [
    "add_arg_scope", "arg_scope", "get_global_step", "get_or_create_global_step",
    "get_trainable_variables", "get_variables", "nest"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
