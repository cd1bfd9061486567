"""What all layers do: their scope, their variables, what follows their op."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from varscope import _core
from varscope.collections_ import GraphKeys
from varscope.scopes import name_scope, variable_scope
from varscope.variables import get_variable


def layer_scope(name: Any, default: str, reuse: Any) -> variable_scope:
    """Returns the scope of a layer: of this name, else a new one 'default', 'default_1', ..., or
    'default' itself where it may share."""
    if name is None and reuse:
        return variable_scope(default, reuse=reuse)
    return variable_scope(name, default, reuse=reuse)


def weight(name: str, shape: Sequence[int], like: Any, initializer: Any = None,
           regularizer: Callable | None = None, trainable: bool = True,
           constraint: Callable | None = None) -> _core.Variable:
    """Returns a layer's variable, of the dtype of its input."""
    return get_variable(name, list(shape), like.dtype, by_name("initializer", initializer),
                        by_name("regularizer", regularizer), trainable=trainable,
                        constraint=by_name("constraint", constraint))


def biased(outputs: Any, name: str, count: int, initializer: Any, regularizer: Callable | None,
           trainable: bool, constraint: Callable | None = None) -> _core.Tensor:
    """Returns the outputs plus a new variable of `count` numbers, along the last dimension."""
    biases = weight(name, [count], outputs, initializer, regularizer, trainable, constraint)
    return _core.nn._bias_add(outputs, biases, None)


def channels(inputs: Any) -> int:
    """Returns the last dimension. ValueError when it is not known when the graph is built."""
    count = None if inputs.shape.ndims is None else inputs.shape.as_list()[-1]
    if count is None:
        raise ValueError("The last dimension of the inputs should be defined. Found `None`.")
    return count


def by_name(kind: str, choice: Any) -> Any:
    """Returns what a layer is told by a name of Keras's, such as the activation "relu"; anything else
    as it is. ValueError for a name that there is not."""
    if not isinstance(choice, str):
        return choice
    from varscope.keras import choices
    return getattr(choices, kind)(choice)


def activated(outputs: Any, activation: Any,
              regularizer: Callable | None = None) -> Any:
    """Returns what the activation makes of it; without one the outputs themselves. The regularizer's
    loss of that, for each of the batch, is one of the regularization losses."""
    chosen = by_name("activation", activation)
    made = outputs if chosen is None else chosen(outputs)
    if regularizer is not None:
        with name_scope("ActivityRegularizer"):
            count = _core.cast(_core.shape(made)[0], made.dtype)
            loss = by_name("regularizer", regularizer)(made) / count
        _core.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)
    return made


def pair(value: Any) -> tuple[int, int]:
    """Returns both numbers of a value that may be one number."""
    if isinstance(value, int):
        return value, value
    first, second = value
    return int(first), int(second)


def channels_last(function: str, data_format: str | None) -> None:
    """NotImplementedError for the other order of dimensions."""
    if data_format not in (None, "channels_last", "NHWC"):
        raise NotImplementedError(f"{function}: varscope has the data format channels_last alone")
