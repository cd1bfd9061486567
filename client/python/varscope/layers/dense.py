"""Fully connected layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core, initializers, shaping
from varscope.layers.kernels import LayerObject
from varscope.layers.scopes import activated, channels, layer_scope, weight
from varscope.ops import convert_to_tensor


def dense(inputs: Any, units: int, activation: Any = None, use_bias: bool = True,
          kernel_initializer: Any = None, bias_initializer: Any = initializers.Zeros(),
          kernel_regularizer: Callable | None = None, bias_regularizer: Callable | None = None,
          activity_regularizer: Any = None, kernel_constraint: Callable | None = None,
          bias_constraint: Callable | None = None, trainable: bool = True, name: str | None = None,
          reuse: Any = None) -> _core.Tensor:
    """activation(inputs * kernel + bias), over the last dimension of the inputs."""
    arguments = dict(
        activation=activation, activity_regularizer=activity_regularizer, use_bias=use_bias,
        kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
        kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
        trainable=trainable,
        kernel_constraint=kernel_constraint, bias_constraint=bias_constraint)
    with layer_scope(name, "dense", reuse):
        return _inside(inputs, units, arguments, {})


class Dense(LayerObject):
    """A fully connected layer as an object: each call uses the same variables."""

    _default = "dense"

    def __init__(self, units: int, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = None, bias_initializer: Any = initializers.Zeros(),
                 kernel_regularizer: Callable | None = None,
                 bias_regularizer: Callable | None = None,
                 kernel_constraint: Callable | None = None,
                 bias_constraint: Callable | None = None, trainable: bool = True,
                 name: str | None = None, activity_regularizer: Any = None, dtype: Any = None,
                 _reuse: Any = None) -> None:
        self.units = units
        self._arguments = dict(
            activation=activation, activity_regularizer=activity_regularizer, use_bias=use_bias,
            kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            trainable=trainable,
            kernel_constraint=kernel_constraint, bias_constraint=bias_constraint)
        super().__init__(name)
        self._reuse = _reuse
        self._made: dict[str, _core.Variable] = {}

    def __call__(self, inputs: Any) -> _core.Tensor:
        """Returns what the layer makes of the inputs."""
        reuse = self._reuse if self._scope is None else True
        with layer_scope(self._scope or self._name, "dense", reuse) as scope:
            self._scope = scope
            return _inside(inputs, self.units, self._arguments, self._made)

    apply = __call__

    @property
    def kernel(self) -> Any:
        """The matrix. KeyError before the first call."""
        return self._made["kernel"]

    @property
    def bias(self) -> Any:
        """What is added; None where nothing is."""
        return self._made.get("bias")

    @property
    def variables(self) -> list[_core.Variable]:
        """The matrix and the bias, after the first call."""
        return list(self._made.values())

    weights = trainable_variables = trainable_weights = variables


def _inside(inputs: Any, units: int, arguments: dict[str, Any],
            made: dict[str, _core.Variable]) -> _core.Tensor:
    """The layer in the scope that is open; `made` are its variables from then on."""
    inputs = convert_to_tensor(inputs)
    kernel = weight("kernel", [channels(inputs), units], inputs, arguments["kernel_initializer"],
                    arguments["kernel_regularizer"], arguments["trainable"],
                    arguments["kernel_constraint"])
    made["kernel"] = kernel
    outputs = shaping.times_matrix(inputs, kernel)
    if arguments["use_bias"]:
        made["bias"] = weight("bias", [units], outputs, arguments["bias_initializer"],
                              arguments["bias_regularizer"], arguments["trainable"],
                              arguments["bias_constraint"])
        outputs = _core.nn._bias_add(outputs, made["bias"], None)
    return activated(outputs, arguments["activation"], arguments["activity_regularizer"])
