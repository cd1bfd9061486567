"""Layers one above the other: slim.repeat and slim.stack; and what collects regularization."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from varscope import _core
from varscope.collections_ import GraphKeys, add_to_collection, get_collection
from varscope.scopes import variable_scope


def _named(layer: Callable[..., Any]) -> str:
    return getattr(layer, "__name__", "repeat")


def repeat(inputs: Any, repetitions: int, layer: Callable[..., Any], *args: Any,
           **kwargs: Any) -> Any:
    """Returns what a layer makes of the inputs, so many times, each with variables of its own."""
    scope = kwargs.pop("scope", None)
    with variable_scope(scope, "Repeat", [inputs]):
        name = scope or _named(layer)
        outputs = inputs
        for number in range(1, repetitions + 1):
            outputs = layer(outputs, *args, scope=f"{_last(name)}_{number}", **kwargs)
        return outputs


def _last(name: Any) -> str:
    return name if isinstance(name, str) else name.name.rpartition("/")[2]


def stack(inputs: Any, layer: Callable[..., Any], stack_args: Sequence[Any], **kwargs: Any) -> Any:
    """Returns what a layer makes of the inputs, once with each of these arguments."""
    scope = kwargs.pop("scope", None)
    with variable_scope(scope, "Stack", [inputs]):
        name = scope or _named(layer)
        outputs = inputs
        for number, arguments in enumerate(stack_args, 1):
            listed = arguments if isinstance(arguments, (list, tuple)) else [arguments]
            outputs = layer(outputs, *listed, scope=f"{_last(name)}_{number}", **kwargs)
        return outputs


def sum_regularizer(regularizer_list: Iterable[Callable[[Any], Any] | None],
                    scope: str | None = None) -> Callable[[Any], Any] | None:
    """Returns the sum of several regularizers; None for none."""
    each = [one for one in regularizer_list if one is not None]
    return (lambda weights: _core.add_n([one(weights) for one in each])) if each else None


def l1_l2_regularizer(scale_l1: float = 1.0, scale_l2: float = 1.0,
                      scope: str | None = None) -> Callable[[Any], Any] | None:
    """The sum of l1_regularizer and l2_regularizer."""
    from varscope.layers.contrib import l1_regularizer, l2_regularizer
    return sum_regularizer([l1_regularizer(scale_l1), l2_regularizer(scale_l2)])


def apply_regularization(regularizer: Callable[[Any], Any],
                         weights_list: Iterable[Any] | None = None) -> Any:
    """Returns the sum of a regularizer of all weights, of the collection WEIGHTS by default, which is
    from then on a regularization loss."""
    listed = get_collection(GraphKeys.WEIGHTS) if weights_list is None else list(weights_list)
    if not listed:
        raise ValueError("No weights to regularize.")
    total = _core.add_n([regularizer(weights) for weights in listed])
    add_to_collection(GraphKeys.REGULARIZATION_LOSSES, total)
    return total
