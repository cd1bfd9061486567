"""Collections: lists of ops, tensors and variables, or of Python's own objects, that a graph keeps by
name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from varscope import _core, graph_data


class GraphKeys:
    """The names of TensorFlow's collections."""

    GLOBAL_VARIABLES = "variables"
    VARIABLES = "variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    LOCAL_VARIABLES = "local_variables"
    MODEL_VARIABLES = "model_variables"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    METRIC_VARIABLES = "metric_variables"
    REGULARIZATION_LOSSES = "regularization_losses"
    LOSSES = "losses"
    WEIGHTS = "weights"
    BIASES = "biases"
    ACTIVATIONS = "activations"
    UPDATE_OPS = "update_ops"
    TRAIN_OP = "train_op"
    GLOBAL_STEP = "global_step"
    SUMMARIES = "summaries"
    SUMMARY_OP = "summary_op"
    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    READY_OP = "ready_op"
    READY_FOR_LOCAL_INIT_OP = "ready_for_local_init_op"
    SAVERS = "savers"
    QUEUE_RUNNERS = "queue_runners"
    TABLE_INITIALIZERS = "table_initializer"
    ASSET_FILEPATHS = "asset_filepaths"


# The collection of those variables that are in none of the two that the graph keeps itself.
UNLISTED = "varscope_unlisted_variables"
KEPT = (GraphKeys.GLOBAL_VARIABLES, GraphKeys.TRAINABLE_VARIABLES)
_SYMBOLS = (_core.Tensor, _core.Operation, _core.Variable)


def get_collection(key: str, scope: str | None = None) -> list[Any]:
    """Returns the items of a collection of the default graph, in the order of their adding.

    `scope` keeps those whose names match it from their beginning on, as a regular expression.
    """
    found = _core.get_collection(str(key), scope)
    if key == GraphKeys.GLOBAL_VARIABLES:
        unlisted = _core.get_collection(UNLISTED)
        found = [item for item in found if item not in unlisted] if unlisted else found
    own = graph_data.of_default().objects.get(key, [])
    return found + [item for item in own if scope is None or _matches(scope, item)]


def _matches(scope: str, item: Any) -> bool:
    return re.match(scope, getattr(item, "name", "")) is not None


def get_collection_ref(key: str) -> list[Any]:
    """Returns the items. What is done to this list changes the collection of Python's objects alone."""
    if _core.get_collection(key):
        return get_collection(key)
    return graph_data.of_default().objects.setdefault(key, [])


def add_to_collection(name: str, value: Any) -> None:
    """Appends to a collection of the default graph."""
    if isinstance(value, _SYMBOLS):
        _core.add_to_collection(str(name), value)
    else:
        graph_data.of_default().objects.setdefault(name, []).append(value)


def add_to_collections(names: str | Iterable[str], value: Any) -> None:
    """Appends to several collections."""
    for name in [names] if isinstance(names, str) else dict.fromkeys(names):
        add_to_collection(name, value)


def check_collections(collections: Any) -> None:
    """ValueError when that is not what a new variable's collections may be given as."""
    if collections is None or isinstance(collections, (list, tuple, set)):
        return
    raise ValueError("collections argument to Variable constructor must be a list, tuple, or set. "
                     f"Got {collections} of type {type(collections)}")


def add_variable(variable: _core.Variable, collections: Iterable[str] | None) -> None:
    """Puts a new variable into those collections that the graph does not keep itself; without
    GLOBAL_VARIABLES among them it is not one of the global ones."""
    if collections is None:
        return
    keys = list(collections)
    if GraphKeys.GLOBAL_VARIABLES not in keys:
        _core.add_to_collection(UNLISTED, variable)
    for key in keys:
        if key not in KEPT:
            _core.add_to_collection(key, variable)


def global_variables(scope: str | None = None) -> list[_core.Variable]:
    """Returns the variables of the default graph but local ones."""
    return get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


def local_variables(scope: str | None = None) -> list[_core.Variable]:
    """Returns the variables of one worker's own, such as those of metrics."""
    return get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[_core.Variable]:
    """Returns the variables of the collection MODEL_VARIABLES."""
    return get_collection(GraphKeys.MODEL_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list[_core.Variable]:
    """Returns the variables that have moving averages."""
    return get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def get_variables(scope: Any = None, suffix: str | None = None,
                  collection: str = GraphKeys.GLOBAL_VARIABLES) -> list[_core.Variable]:
    """Returns the variables of a scope, or those of a collection whose names end so."""
    name = getattr(scope, "name", scope)
    found = get_collection(collection, name)
    return [v for v in found if suffix is None or v.op.name.endswith(suffix)]


def get_trainable_variables(scope: Any = None, suffix: str | None = None) -> list[_core.Variable]:
    """Returns the trainable variables of a scope."""
    return get_variables(scope, suffix, GraphKeys.TRAINABLE_VARIABLES)
