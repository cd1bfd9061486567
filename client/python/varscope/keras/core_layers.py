"""Layers of no particular kind of data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from varscope import _core, arrays, ops, shaping
from varscope.compat.v1 import nn
from varscope.control_flow import cond
from varscope.keras import choices
from varscope.keras.base import Layer, OfVariables
from varscope.layers import dropout, normalization, pooling
from varscope.layers.kernels import named
from varscope.layers.scopes import channels
from varscope.random_numbers import random_normal


class InputLayer(Layer):
    """What a model is fed."""


class Dense(OfVariables):
    """activation(inputs * kernel + bias), over the last dimension."""

    def __init__(self, units: int, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.units, self.use_bias = int(units), use_bias
        self.activation = choices.activation(activation)
        self._kernel = kernel_initializer, kernel_regularizer, True, kernel_constraint
        self._bias = bias_initializer, bias_regularizer, True, bias_constraint
        self.activity_regularizer = choices.regularizer(activity_regularizer)

    def call(self, inputs: Any) -> Any:
        kernel = self.add_weight("kernel", [channels(inputs), self.units], inputs.dtype,
                                 *self._kernel)
        made = shaping.times_matrix(inputs, kernel)
        if self.use_bias:
            made = nn.bias_add(made, self.add_weight("bias", [self.units], inputs.dtype,
                                                     *self._bias))
        made = made if self.activation is None else self.activation(made)
        if self.activity_regularizer is not None:
            self.add_loss(self.activity_regularizer(made))
        return made


class Activation(Layer):
    """A function."""

    def __init__(self, activation: Any, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.activation = choices.activation(activation)

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)


class Dropout(Layer):
    """Sets elements to 0 at this rate while it trains."""

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None,
                 **keywords: Any) -> None:
        super().__init__(**keywords)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed

    def _noise(self, inputs: Any) -> Any:
        return self.noise_shape

    def call(self, inputs: Any, training: Any = None) -> Any:
        return dropout.dropout(inputs, self.rate, self._noise(inputs), self.seed, training)


class SpatialDropout1D(Dropout):
    """Sets whole channels to 0."""

    def _noise(self, inputs: Any) -> Any:
        shape = _core.shape(inputs)
        return ops.concat([shape[:1], [1] * (inputs.shape.ndims - 2), shape[-1:]], 0)


class SpatialDropout2D(SpatialDropout1D):
    """Sets whole channels to 0."""


class GaussianNoise(Layer):
    """Adds noise while it trains."""

    def __init__(self, stddev: float, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.stddev = stddev

    def call(self, inputs: Any, training: Any = None) -> Any:
        def noisy() -> Any:
            return inputs + random_normal(_core.shape(inputs), 0.0, self.stddev, inputs.dtype)

        if isinstance(training, _core.Tensor):
            return cond(training, noisy, lambda: _core.identity(inputs))
        return noisy() if training else inputs


class Flatten(Layer):
    """[batch, all other elements]."""

    def call(self, inputs: Any) -> Any:
        return pooling.flatten(inputs)


class Reshape(Layer):
    """Another shape, without the batch's dimension; -1 is what is left."""

    def __init__(self, target_shape: Sequence[int], **keywords: Any) -> None:
        super().__init__(**keywords)
        self.target_shape = tuple(target_shape)

    def call(self, inputs: Any) -> Any:
        sizes = inputs.shape.as_list()[1:]
        shape = list(self.target_shape)
        if -1 in shape and None not in sizes:
            whole = known = 1
            for size in sizes:
                whole *= size
            for size in shape:
                known *= size if size != -1 else 1
            shape[shape.index(-1)] = whole // known
        return arrays.reshape(inputs, [-1, *shape] if -1 not in shape else ops.concat(
            [_core.shape(inputs)[:1], shape], 0))


class Permute(Layer):
    """Dimensions in another order, from 1 on, after the batch's."""

    def __init__(self, dims: Sequence[int], **keywords: Any) -> None:
        super().__init__(**keywords)
        self.dims = tuple(dims)

    def call(self, inputs: Any) -> Any:
        return _core.transpose(inputs, [0, *self.dims])


class RepeatVector(Layer):
    """Each row n times."""

    def __init__(self, n: int, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.n = n

    def call(self, inputs: Any) -> Any:
        return arrays.tile(ops.expand_dims(inputs, 1), [1, self.n, 1])


class Lambda(Layer):
    """A function of a program's own."""

    def __init__(self, function: Callable[..., Any], output_shape: Any = None, mask: Any = None,
                 arguments: dict[str, Any] | None = None, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.function, self.arguments = function, arguments or {}

    def call(self, inputs: Any) -> Any:
        return self.function(inputs, **self.arguments)


class Embedding(Layer):
    """Rows of a table, by whole numbers."""

    def __init__(self, input_dim: int, output_dim: int, embeddings_initializer: Any = "uniform",
                 embeddings_regularizer: Any = None, activity_regularizer: Any = None,
                 embeddings_constraint: Any = None, mask_zero: bool = False,
                 input_length: int | None = None, **keywords: Any) -> None:
        if mask_zero:
            raise NotImplementedError("Embedding: varscope has no 'mask_zero'; leave the argument "
                                      "out, and mask what follows yourself")
        if "input_shape" not in keywords and "batch_input_shape" not in keywords:
            keywords["input_shape"] = (input_length,)
        super().__init__(**keywords)
        self.input_dim, self.output_dim = input_dim, output_dim
        self._table = embeddings_initializer, embeddings_regularizer, True, embeddings_constraint

    @property
    def embeddings(self) -> Any:
        """The table; None before the first call."""
        return named(self.weights, "embeddings")

    def call(self, inputs: Any) -> Any:
        table = self.add_weight("embeddings", [self.input_dim, self.output_dim], "float32",
                                *self._table)
        return nn.embedding_lookup(table, _core.cast(inputs, "int32"))


class BatchNormalization(Layer):
    """Normalizes each channel: by the batch while it trains, else by moving averages."""

    def __init__(self, axis: int = -1, momentum: float = 0.99, epsilon: float = 1e-3,
                 center: bool = True, scale: bool = True, beta_initializer: Any = "zeros",
                 gamma_initializer: Any = "ones", moving_mean_initializer: Any = "zeros",
                 moving_variance_initializer: Any = "ones", beta_regularizer: Any = None,
                 gamma_regularizer: Any = None, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.axis, self._arguments = axis, (momentum, epsilon, center, scale)
        self._starts = [choices.initializer(x) for x in (
            gamma_initializer, beta_initializer, moving_mean_initializer,
            moving_variance_initializer)]
        self._regularizers = (choices.regularizer(gamma_regularizer),
                              choices.regularizer(beta_regularizer))

    def call(self, inputs: Any, training: Any = None) -> Any:
        if self.axis not in (-1, inputs.shape.ndims - 1):
            raise NotImplementedError("BatchNormalization: varscope has the last axis alone")
        return normalization.normalized(
            inputs, *self._arguments, self._starts, training, True,
            _core.get_variable_scope(), "", None, None, regularizers=self._regularizers)


class LeakyReLU(Layer):
    """x above 0, else alpha x."""

    def __init__(self, alpha: float = 0.3, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        return nn.leaky_relu(inputs, self.alpha)


class PReLU(Layer):
    """x above 0, else alpha x, where alpha is learned."""

    def __init__(self, alpha_initializer: Any = "zeros", alpha_regularizer: Any = None,
                 alpha_constraint: Any = None, shared_axes: Sequence[int] | None = None,
                 **keywords: Any) -> None:
        super().__init__(**keywords)
        self._alpha = alpha_initializer, alpha_regularizer, True, alpha_constraint
        self.shared_axes = tuple(shared_axes or ())

    def call(self, inputs: Any) -> Any:
        shape = [1 if axis in self.shared_axes else size
                 for axis, size in enumerate(inputs.shape.as_list())][1:]
        alpha = self.add_weight("alpha", shape, inputs.dtype, *self._alpha)
        return nn.relu(inputs) - alpha * nn.relu(-inputs)


class ELU(Layer):
    """x above 0, else alpha (e^x - 1)."""

    def __init__(self, alpha: float = 1.0, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        made = nn.elu(inputs)
        return made if self.alpha == 1.0 else nn.relu(made) - self.alpha * nn.relu(-made)


class ReLU(Layer):
    """max(x, 0), and nothing above max_value."""

    def __init__(self, max_value: float | None = None, negative_slope: float = 0.0,
                 **keywords: Any) -> None:
        super().__init__(**keywords)
        self.max_value, self.negative_slope = max_value, negative_slope

    def call(self, inputs: Any) -> Any:
        return choices.relu(inputs, self.negative_slope, self.max_value)


class Softmax(Layer):
    """e^x / sum(e^x)."""

    def __init__(self, axis: int = -1, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        return nn.softmax(inputs, self.axis)
