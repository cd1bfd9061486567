"""Variables from checkpoints, and variables by their names: what slim and tf.contrib.framework have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from varscope import _core
from varscope.collections_ import (GraphKeys, add_to_collection, get_variables, global_variables)
from varscope.layers.arguments import add_arg_scope
from varscope.saver import Saver
from varscope.training.checkpoint_reader import CheckpointReader, load_checkpoint
from varscope.variables import get_variable


def _by_names(var_list: Any) -> dict[str, _core.Variable]:
    """Variables by their names in a checkpoint."""
    if isinstance(var_list, Mapping):
        return {name: x[0] if isinstance(x, list) else x for name, x in var_list.items()}
    return {variable.op.name: variable for variable in var_list}


def assign_from_checkpoint(model_path: str, var_list: Any,
                           ignore_missing_vars: bool = False) -> tuple[Any, dict[Any, Any]]:
    """Returns an op that gives variables their values in a checkpoint, and what to feed for it.
    ValueError for what the checkpoint does not have, unless it is left out."""
    from varscope.ops import group, placeholder
    reader = load_checkpoint(model_path)
    feed, steps = {}, []
    for name, variable in _there(reader, _by_names(var_list), ignore_missing_vars).items():
        value = reader.get_tensor(name)
        given = placeholder(variable.dtype, value.shape)
        feed[given] = value
        steps.append(_core.assign(variable, given))
    return group(*steps), feed


def _there(reader: CheckpointReader, variables: dict[str, _core.Variable],
           ignore: bool) -> dict[str, _core.Variable]:
    missing = [name for name in variables if not reader.has_tensor(name)]
    if missing and not ignore:
        raise ValueError(f"Checkpoint is missing variable [{missing[0]}]")
    return {name: x for name, x in variables.items() if name not in missing}


def assign_from_checkpoint_fn(model_path: str, var_list: Any, ignore_missing_vars: bool = False,
                              reshape_variables: bool = False) -> Callable[[Any], None] | None:
    """Returns a function of a session, which gives variables their values in a checkpoint; None, if it
    has none of them."""
    variables = _by_names(var_list)
    if ignore_missing_vars:
        variables = _there(load_checkpoint(model_path), variables, True)
    if not variables:
        return None
    saver = Saver(variables)
    return lambda session: saver.restore(session, model_path)


def get_variables_by_name(given_name: str, scope: Any = None) -> list[_core.Variable]:
    """Returns the variables whose names end so."""
    return [variable for variable in get_variables(scope)
            if variable.op.name.rpartition("/")[2] == given_name.rpartition("/")[2]
            and variable.op.name.endswith(given_name)]


def get_variables_by_suffix(suffix: str, scope: Any = None) -> list[_core.Variable]:
    """Returns the same."""
    return get_variables_by_name(suffix, scope)


def get_unique_variable(var_op_name: str) -> _core.Variable:
    """Returns the variable of this name. ValueError when there is none."""
    for variable in global_variables():
        if variable.op.name == var_op_name:
            return variable
    raise ValueError(f"Variable {var_op_name} does not uniquely identify a variable")


def filter_variables(var_list: Iterable[_core.Variable], include_patterns: Any = None,
                     exclude_patterns: Any = None, reg_search: bool = True) -> list[Any]:
    """Returns the variables whose names fit a pattern, without those that fit another."""
    import re
    fits = re.search if reg_search else re.match
    found = list(var_list)
    if include_patterns is not None:
        found = [x for x in found if any(fits(p, x.op.name) for p in include_patterns)]
    return [x for x in found if not any(fits(p, x.op.name) for p in exclude_patterns or [])]


def get_variables_to_restore(include: Any = None, exclude: Any = None) -> list[_core.Variable]:
    """Returns the variables of these scopes, of all by default, without those of others."""
    scopes = [None] if include is None else list(include)
    found = [x for scope in scopes for x in get_variables(scope)]
    gone = {x for scope in exclude or [] for x in get_variables(scope)}
    return [x for x in found if x not in gone]


@add_arg_scope
def variable(name: str, shape: Any = None, dtype: Any = None, initializer: Any = None,
             regularizer: Any = None, trainable: bool = True, collections: Any = None,
             caching_device: Any = None, device: Any = None, partitioner: Any = None,
             custom_getter: Any = None, use_resource: bool | None = None) -> _core.Variable:
    """tf.get_variable, whose arguments arg_scope() may give."""
    made = get_variable(name, shape, dtype, initializer, regularizer, trainable)
    for key in collections or ():
        add_to_collection(key, made)
    return made


@add_arg_scope
def model_variable(name: str, shape: Any = None, dtype: Any = None, initializer: Any = None,
                   regularizer: Any = None, trainable: bool = True, collections: Any = None,
                   caching_device: Any = None, device: Any = None, partitioner: Any = None,
                   custom_getter: Any = None, use_resource: bool | None = None) -> _core.Variable:
    """The same, in the collection MODEL_VARIABLES, too."""
    return variable(name, shape, dtype, initializer, regularizer, trainable,
                    [*(collections or ()), GraphKeys.MODEL_VARIABLES])


def local_variable(initial_value: Any, validate_shape: bool = True, name: str | None = None,
                   use_resource: bool | None = None) -> _core.Variable:
    """Returns a variable of this process."""
    from varscope.variable_class import Variable
    return Variable(initial_value, trainable=False, collections=[GraphKeys.LOCAL_VARIABLES],
                    name=name)


