"""Fully connected layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core, initializers, shaping
from varscope.layers.scopes import activated, biased, channels, layer_scope, weight
from varscope.ops import convert_to_tensor
from varscope.scopes import refuse


def dense(inputs: Any, units: int, activation: Callable | None = None, use_bias: bool = True,
          kernel_initializer: Any = None, bias_initializer: Any = initializers.Zeros(),
          kernel_regularizer: Callable | None = None, bias_regularizer: Callable | None = None,
          activity_regularizer: None = None, kernel_constraint: None = None,
          bias_constraint: None = None, trainable: bool = True, name: str | None = None,
          reuse: Any = None) -> _core.Tensor:
    """activation(inputs * kernel + bias), over the last dimension of the inputs."""
    refuse("dense", activity_regularizer=activity_regularizer,
           kernel_constraint=kernel_constraint, bias_constraint=bias_constraint)
    arguments = dict(
        activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer,
        bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
        bias_regularizer=bias_regularizer, trainable=trainable)
    with layer_scope(name, "dense", reuse):
        return _inside(inputs, units, arguments)


class Dense:
    """A fully connected layer as an object: each call uses the same variables."""

    def __init__(self, units: int, activation: Callable | None = None, use_bias: bool = True,
                 kernel_initializer: Any = None, bias_initializer: Any = initializers.Zeros(),
                 kernel_regularizer: Callable | None = None,
                 bias_regularizer: Callable | None = None, trainable: bool = True,
                 name: str | None = None) -> None:
        self.units = units
        self._arguments = dict(
            activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer, trainable=trainable)
        self._name = name
        self._scope: _core.VariableScope | None = None

    def __call__(self, inputs: Any) -> _core.Tensor:
        """Returns what the layer makes of the inputs."""
        first = self._scope is None
        with layer_scope(self._scope or self._name, "dense", None if first else True) as scope:
            self._scope = scope
            return _inside(inputs, self.units, self._arguments)

    apply = __call__


def _inside(inputs: Any, units: int, arguments: dict[str, Any]) -> _core.Tensor:
    """The layer in the scope that is open."""
    inputs = convert_to_tensor(inputs)
    kernel = weight("kernel", [channels(inputs), units], inputs, arguments["kernel_initializer"],
                    arguments["kernel_regularizer"], arguments["trainable"])
    outputs = shaping.times_matrix(inputs, kernel)
    if arguments["use_bias"]:
        outputs = biased(outputs, "bias", units, arguments["bias_initializer"],
                         arguments["bias_regularizer"], arguments["trainable"])
    return activated(outputs, arguments["activation"])
