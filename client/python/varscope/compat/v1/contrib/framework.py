"""tf.contrib.framework."""

from typing import TYPE_CHECKING

from varscope.collections_ import get_trainable_variables, get_variables, model_variables
from varscope.compat.v1.train import (create_global_step, get_global_step,
                                       get_or_create_global_step)
from varscope.layers.arguments import add_arg_scope, arg_scope
from varscope.layers.nested import nest
from varscope.layers.restoring import (assign_from_checkpoint, assign_from_checkpoint_fn,
                                       filter_variables, get_unique_variable, get_variables_by_name,
                                       get_variables_by_suffix, get_variables_to_restore,
                                       local_variable, model_variable, variable)
from varscope.sorting import argsort, sort
from varscope.tensor_protos import is_tensor
from varscope.training.checkpoint_reader import list_variables, load_checkpoint, load_variable
from varscope.compat.v1._missing import missing_of
get_model_variables = model_variables

__all__ = [
    "add_arg_scope", "arg_scope", "argsort", "assign_from_checkpoint", "assign_from_checkpoint_fn",
    "create_global_step", "filter_variables", "get_global_step", "get_model_variables",
    "get_or_create_global_step", "get_trainable_variables", "get_unique_variable", "get_variables",
    "get_variables_by_name", "get_variables_by_suffix", "get_variables_to_restore", "is_tensor",
    "list_variables", "load_checkpoint", "load_variable", "local_variable", "model_variable",
    "model_variables", "nest", "sort", "variable"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
