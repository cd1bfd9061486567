"""Layers as objects: each call of one uses the same variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core
from varscope.collections_ import GraphKeys
from varscope.layers import convolution, dropout, normalization, pooling, volumes
from varscope.layers.kernels import KernelAndBias, LayerObject
from varscope.scopes import variable_scope
from varscope.slots import is_slot


class Layer(KernelAndBias, LayerObject):
    """The base: a function of tf.layers, with its arguments."""

    _function: Callable[..., Any]

    def __init__(self, *arguments: Any, name: str | None = None, **keywords: Any) -> None:
        super().__init__(name)
        self._arguments, self._keywords = arguments, keywords

    def __call__(self, inputs: Any, **keywords: Any) -> Any:
        """Returns what the layer makes of the inputs."""
        first = self._scope is None
        if first:
            # The name is taken, and its name scope stays free for the layer's ops.
            with variable_scope(self._name, self._default, auxiliary_name_scope=False) as scope:
                self._scope = scope
        return type(self)._function(inputs, *self._arguments, **self._keywords, **keywords,
                                    name=self._scope, reuse=None if first else True)

    apply = __call__

    @property
    def variables(self) -> list[_core.Variable]:
        """All that it has made."""
        every = [] if self._scope is None else self._scope.global_variables()
        return [variable for variable in every if not is_slot(variable)]

    weights = variables

    @property
    def trainable_variables(self) -> list[_core.Variable]:
        """Those that are trained."""
        return [] if self._scope is None else self._scope.trainable_variables()

    trainable_weights = trainable_variables

    @property
    def updates(self) -> list[Any]:
        """What moves the averages of batch normalization."""
        return self._of_its_own(GraphKeys.UPDATE_OPS)


class Conv2D(Layer):
    """conv2d."""

    _function, _default = convolution.conv2d, "conv2d"


class Conv1D(Layer):
    """conv1d."""

    _function, _default = convolution.conv1d, "conv1d"


class Conv3D(Layer):
    """conv3d."""

    _function, _default = volumes.conv3d, "conv3d"


class Conv2DTranspose(Layer):
    """conv2d_transpose."""

    _function, _default = convolution.conv2d_transpose, "conv2d_transpose"


class SeparableConv2D(Layer):
    """separable_conv2d."""

    _function, _default = convolution.separable_conv2d, "separable_conv2d"


class BatchNormalization(Layer):
    """batch_normalization."""

    _function, _default = normalization.batch_normalization, "batch_normalization"


class _WithoutVariables:
    """A layer that is the same function each time."""

    _function: Callable[..., Any]

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        self._arguments, self._keywords = arguments, keywords

    def __call__(self, inputs: Any, **keywords: Any) -> Any:
        """Returns what the layer makes of the inputs."""
        return type(self)._function(inputs, *self._arguments, **self._keywords, **keywords)

    apply = __call__


class MaxPooling2D(_WithoutVariables):
    """max_pooling2d."""

    _function = pooling.max_pooling2d


class AveragePooling2D(_WithoutVariables):
    """average_pooling2d."""

    _function = pooling.average_pooling2d


class MaxPooling1D(_WithoutVariables):
    """max_pooling1d."""

    _function = pooling.max_pooling1d


class AveragePooling1D(_WithoutVariables):
    """average_pooling1d."""

    _function = pooling.average_pooling1d


class MaxPooling3D(_WithoutVariables):
    """max_pooling3d."""

    _function = volumes.max_pooling3d


class AveragePooling3D(_WithoutVariables):
    """average_pooling3d."""

    _function = volumes.average_pooling3d


class Flatten(_WithoutVariables):
    """flatten."""

    _function = pooling.flatten


class Dropout(_WithoutVariables):
    """dropout."""

    _function = dropout.dropout
