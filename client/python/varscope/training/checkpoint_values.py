"""tf.train.init_from_checkpoint: variables that begin as they are in a checkpoint."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from varscope import _core, graph_data
from varscope.collections_ import global_variables
from varscope.initializers import Zeros
from varscope.ops import placeholder
from varscope.scopes import AUTO_REUSE, control_dependencies, variable_scope
from varscope.training.checkpoint_reader import CheckpointReader, load_checkpoint
from varscope.variables import get_variable


def init_from_checkpoint(ckpt_dir_or_file: str | os.PathLike[str],
                         assignment_map: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
    """Has what gives variables their first values give them those of a checkpoint. The map says
    which: from a name, or a scope 'a/', in the checkpoint to a name, a scope or a variable here.
    ValueError for what is not there, and for shapes that differ."""
    reader = load_checkpoint(ckpt_dir_or_file)
    pairs = assignment_map.items() if isinstance(assignment_map, Mapping) else assignment_map
    for name, here in pairs:
        for own_name, variable in _pairs(reader, str(ckpt_dir_or_file), name, here):
            _note(reader, str(ckpt_dir_or_file), own_name, variable)


def _pairs(reader: CheckpointReader, path: str, name: str,
           here: Any) -> Iterable[tuple[str, _core.Variable]]:
    """Names in the checkpoint, and their variables."""
    if not isinstance(here, str):
        variables = here if isinstance(here, (list, tuple)) else [here]
        if len(variables) != 1 or not isinstance(variables[0], _core.Variable) or (
                variables[0].is_partitioned):
            raise NotImplementedError(f"init_from_checkpoint: '{name}' is for {here!r}; varscope "
                                      "takes one variable that is not partitioned")
        return [(name, variables[0])]
    if not name.endswith("/"):
        found = [v for v in global_variables() if v.op.name == here.removesuffix(":0")]
        if not found:
            raise ValueError(f"Assignment map with scope only name {name} should map to scope only "
                             f"{here}. Should be 'scope/': 'other_scope/'." if here.endswith("/")
                             else f"Cannot find variable with name {here} in the graph.")
        return [(name, found[0])]
    if here and not here.endswith("/"):
        raise ValueError(f"Assignment map with scope only name {name} should map to scope only "
                         f"{here}. Should be 'scope/': 'other_scope/'.")
    before = "" if name == "/" else name
    inside = [v for v in global_variables() if v.op.name.startswith(here.removeprefix("/"))]
    if not inside:
        raise ValueError(f"No variables found in the scope '{here}' of the graph, for '{name}' of "
                         f"the checkpoint {path}")
    return [(before + v.op.name.removeprefix(here.removeprefix("/")), v) for v in inside]


def _note(reader: CheckpointReader, path: str, name: str, variable: _core.Variable) -> None:
    shapes = reader.get_variable_to_shape_map()
    if name not in shapes:
        raise ValueError(f"Tensor {name} is not found in {path} checkpoint {sorted(shapes)}")
    if list(shapes[name]) != variable.shape.as_list():
        raise ValueError(f"Shape of variable {variable.name} ({variable.shape}) doesn't match with "
                         f"shape of tensor {name} ({list(shapes[name])}) from checkpoint reader.")
    with variable.graph.as_default():
        own = f"{variable.op.name}/from_checkpoint"
        given = placeholder(variable.dtype, variable.shape, f"{own}/value")
        with variable_scope(_core.get_variable_scope(), reuse=AUTO_REUSE):
            done = get_variable(own, [], "int32", Zeros(), trainable=False, collections=[])
        with control_dependencies([variable.assign(given).op]):
            step = done.assign(1).op
    graph_data.of(variable.graph).first_values[variable.op.name] = (
        reader, name, given.op.name, step.name, done.op.name)
