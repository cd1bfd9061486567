"""Collections: lists of ops, tensors and variables that a graph keeps by name."""

from __future__ import annotations

from typing import Any

from varscope import _core


class GraphKeys:
    """The names of TensorFlow's collections."""

    GLOBAL_VARIABLES = "variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    LOCAL_VARIABLES = "local_variables"
    MODEL_VARIABLES = "model_variables"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    REGULARIZATION_LOSSES = "regularization_losses"
    LOSSES = "losses"
    WEIGHTS = "weights"
    BIASES = "biases"
    ACTIVATIONS = "activations"
    UPDATE_OPS = "update_ops"
    TRAIN_OP = "train_op"
    GLOBAL_STEP = "global_step"
    SUMMARIES = "summaries"
    INIT_OP = "init_op"
    READY_OP = "ready_op"


def get_collection(key: str, scope: str | None = None) -> list[Any]:
    """Returns the items of a collection of the default graph, in the order of their adding.

    `scope` keeps those whose names match it from their beginning on, as a regular expression.
    """
    return _core.get_collection(key, scope)


def add_to_collection(name: str, value: Any) -> None:
    """Appends to a collection of the default graph."""
    _core.add_to_collection(name, value)
