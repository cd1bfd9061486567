"""Layers of images and of sequences of vectors: convolution and pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core, arrays, resizing
from varscope.keras import choices
from varscope.keras.base import Layer, OfVariables
from varscope.layers import convolution, pooling, volumes
from varscope.layers.scopes import channels_last, pair


class _Convolution(OfVariables):
    """A function of tf.layers, with its arguments."""

    _function: Callable[..., Any]

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = None, activation: Any = None,
                 use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: None = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None,
                 **keywords: Any) -> None:
        super().__init__(**keywords)
        channels_last(type(self).__name__, data_format)
        if activity_regularizer is not None:
            raise NotImplementedError(f"{type(self).__name__}: varscope has no "
                                      "'activity_regularizer'")
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides
        self.padding = padding
        self._arguments = dict(
            activation=choices.activation(activation), use_bias=use_bias,
            kernel_initializer=choices.initializer(kernel_initializer),
            bias_initializer=choices.initializer(bias_initializer),
            kernel_regularizer=choices.regularizer(kernel_regularizer),
            bias_regularizer=choices.regularizer(bias_regularizer),
            kernel_constraint=choices.constraint(kernel_constraint),
            bias_constraint=choices.constraint(bias_constraint))
        if dilation_rate not in (None, 1, (1, 1), [1, 1]):
            self._arguments["dilation_rate"] = dilation_rate

    def call(self, inputs: Any) -> Any:
        return type(self)._function(inputs, self.filters, self.kernel_size, self.strides,
                                    self.padding, name=_core.get_variable_scope(),
                                    **self._arguments)


class Conv1D(_Convolution):
    """Convolution of sequences."""

    _function = convolution.conv1d


class Conv2D(_Convolution):
    """Convolution of images."""

    _function = convolution.conv2d


class Conv3D(_Convolution):
    """Convolution of volumes."""

    _function = volumes.conv3d


class Conv2DTranspose(_Convolution):
    """What is larger by its strides."""

    _function = convolution.conv2d_transpose


class SeparableConv2D(Layer):
    """Convolution of each channel, and then of all channels of a pixel."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1),
                 padding: str = "valid", data_format: str | None = None,
                 depth_multiplier: int = 1, activation: Any = None, use_bias: bool = True,
                 **keywords: Any) -> None:
        super().__init__(**keywords)
        channels_last("SeparableConv2D", data_format)
        self._given = filters, kernel_size, strides, padding
        self._arguments = dict(depth_multiplier=depth_multiplier, use_bias=use_bias,
                               activation=choices.activation(activation))

    def call(self, inputs: Any) -> Any:
        return convolution.separable_conv2d(inputs, *self._given,
                                            name=_core.get_variable_scope(), **self._arguments)


class _Pooling(Layer):
    """A function of tf.layers."""

    _function: Callable[..., Any]
    _default: Any = 2

    def __init__(self, pool_size: Any = None, strides: Any = None, padding: str = "valid",
                 data_format: str | None = None, **keywords: Any) -> None:
        super().__init__(**keywords)
        channels_last(type(self).__name__, data_format)
        self.pool_size = self._default if pool_size is None else pool_size
        self.strides = self.pool_size if strides is None else strides
        self.padding = padding

    def call(self, inputs: Any) -> Any:
        return type(self)._function(inputs, self.pool_size, self.strides, self.padding)


class MaxPooling1D(_Pooling):
    """The largest of each window."""

    _function = pooling.max_pooling1d


class AveragePooling1D(_Pooling):
    """The mean of each window."""

    _function = pooling.average_pooling1d


class MaxPooling2D(_Pooling):
    """The largest of each window."""

    _function, _default = pooling.max_pooling2d, (2, 2)


class AveragePooling2D(_Pooling):
    """The mean of each window."""

    _function, _default = pooling.average_pooling2d, (2, 2)


class _Global(Layer):
    """One number for each channel."""

    _over: Callable[..., Any]
    _axes: list[int]

    def __init__(self, data_format: str | None = None, **keywords: Any) -> None:
        super().__init__(**keywords)
        channels_last(type(self).__name__, data_format)

    def call(self, inputs: Any) -> Any:
        return type(self)._over(inputs, self._axes)


class GlobalAveragePooling1D(_Global):
    """The mean over the steps."""

    _over, _axes = staticmethod(_core.reduce_mean), [1]


class GlobalMaxPooling1D(_Global):
    """The largest of the steps."""

    _over, _axes = staticmethod(_core.reduce_max), [1]


class GlobalAveragePooling2D(_Global):
    """The mean over the image."""

    _over, _axes = staticmethod(_core.reduce_mean), [1, 2]


class GlobalMaxPooling2D(_Global):
    """The largest of the image."""

    _over, _axes = staticmethod(_core.reduce_max), [1, 2]


class UpSampling1D(Layer):
    """Each step several times."""

    def __init__(self, size: int = 2, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.size = size

    def call(self, inputs: Any) -> Any:
        from varscope.ops import expand_dims
        steps, width = inputs.shape.as_list()[1:]
        made = arrays.tile(expand_dims(inputs, 2), [1, 1, self.size, 1])
        return arrays.reshape(made, [-1, steps * self.size, width])


class UpSampling2D(Layer):
    """Images that are larger by whole numbers."""

    def __init__(self, size: Any = (2, 2), data_format: str | None = None,
                 interpolation: str = "nearest", **keywords: Any) -> None:
        super().__init__(**keywords)
        channels_last("UpSampling2D", data_format)
        self.size, self.interpolation = pair(size), interpolation

    def call(self, inputs: Any) -> Any:
        high, wide = inputs.shape.as_list()[1:3]
        method = {"nearest": resizing.resize_nearest_neighbor,
                  "bilinear": resizing.resize_bilinear}[self.interpolation]
        return method(inputs, [high * self.size[0], wide * self.size[1]])


class ZeroPadding2D(Layer):
    """Zeros around images."""

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None,
                 **keywords: Any) -> None:
        super().__init__(**keywords)
        channels_last("ZeroPadding2D", data_format)
        first, second = (padding, padding) if isinstance(padding, int) else padding
        self.padding = pair(first), pair(second)

    def call(self, inputs: Any) -> Any:
        return arrays.pad(inputs, [[0, 0], list(self.padding[0]), list(self.padding[1]), [0, 0]])


class ZeroPadding1D(Layer):
    """Zeros before and after sequences."""

    def __init__(self, padding: Any = 1, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.padding = pair(padding)

    def call(self, inputs: Any) -> Any:
        return arrays.pad(inputs, [[0, 0], list(self.padding), [0, 0]])


class Cropping2D(Layer):
    """Images without their borders."""

    def __init__(self, cropping: Any = (0, 0), data_format: str | None = None,
                 **keywords: Any) -> None:
        super().__init__(**keywords)
        channels_last("Cropping2D", data_format)
        first, second = (cropping, cropping) if isinstance(cropping, int) else cropping
        self.cropping = pair(first), pair(second)

    def call(self, inputs: Any) -> Any:
        (top, bottom), (left, right) = self.cropping
        return inputs[:, top:-bottom or None, left:-right or None, :]
