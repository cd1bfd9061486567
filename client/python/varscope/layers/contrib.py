"""The layers of tf.contrib.layers and of slim, whose arguments and scopes have names of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core, initializers, shaping
from varscope.arrays import one_hot
from varscope.collections_ import (GraphKeys, add_to_collections, get_collection,
                                   global_variables)
from varscope.compat import v1 as tf
from varscope.compat.v1 import nn
from varscope.layers import normalization
from varscope.layers.arguments import add_arg_scope
from varscope.layers.convolution import transposed
from varscope.layers.dropout import dropout as dropout_layer
from varscope.layers.pooling import flatten as flatten_layer
from varscope.layers.scopes import (activated, channels, channels_last, layer_scope, pair, weight)
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope, refuse


def _collected(outputs: Any, collections: Any) -> Any:
    """Puts a layer's result into the collections that it is to be in: a name, or several."""
    if collections:
        add_to_collections([collections] if isinstance(collections, str) else collections, outputs)
    return outputs


def _noted(variable: Any, collections: Any, key: str) -> Any:
    """Puts a variable into collections: names, or a dict of them by the variables' names."""
    names = collections.get(key) if isinstance(collections, dict) else collections
    for name in [names] if isinstance(names, str) else names or []:
        if variable not in get_collection(name):
            add_to_collections([name], variable)
    return variable


def xavier_initializer(uniform: bool = True, seed: int | None = None,
                       dtype: Any = None) -> initializers.Initializer:
    """Glorot, Bengio 2010."""
    kind = initializers.GlorotUniform if uniform else initializers.GlorotNormal
    return kind(seed)


def variance_scaling_initializer(factor: float = 2.0, mode: str = "FAN_IN", uniform: bool = False,
                                 seed: int | None = None,
                                 dtype: Any = None) -> initializers.Initializer:
    """He et al. 2015 (arXiv 1502.01852), by default."""
    return initializers.VarianceScaling(factor, mode.lower(),
                                        "uniform" if uniform else "truncated_normal", seed)


def l1_regularizer(scale: float, scope: str | None = None) -> Callable[[Any], Any]:
    """scale * the sum of absolute values."""
    return lambda x: _core.multiply(_core.reduce_sum(_core.abs(x)), float(scale))


def l2_regularizer(scale: float, scope: str | None = None) -> Callable[[Any], Any]:
    """scale * half the sum of squares."""
    return lambda x: _core.multiply(_core.nn.l2_loss(x), float(scale))


def one_hot_encoding(labels: Any, num_classes: int, on_value: float = 1.0,
                     off_value: float = 0.0, outputs_collections: Any = None,
                     scope: Any = None) -> _core.Tensor:
    """A row for each class number."""
    return _collected(one_hot(labels, num_classes, on_value, off_value), outputs_collections)


def flatten(inputs: Any, outputs_collections: Any = None, scope: Any = None) -> _core.Tensor:
    """Returns [batch, all other elements]."""
    with name_scope(scope, "Flatten", [inputs]) as name:
        return _collected(flatten_layer(inputs, name + "flatten/Reshape"), outputs_collections)


@add_arg_scope
def fully_connected(inputs: Any, num_outputs: int, activation_fn: Callable | None = _core.nn.relu,
                    normalizer_fn: Callable | None = None, normalizer_params: Any = None,
                    weights_initializer: Any = initializers.GlorotUniform(),
                    weights_regularizer: Callable | None = None,
                    biases_initializer: Any = initializers.Zeros(),
                    biases_regularizer: Callable | None = None, reuse: Any = None,
                    variables_collections: Any = None, outputs_collections: Any = None,
                    trainable: bool = True, scope: Any = None) -> _core.Tensor:
    """activation_fn(inputs * weights + biases); relu unless another one, or None, is asked for."""
    inputs = convert_to_tensor(inputs)
    with layer_scope(scope, "fully_connected", reuse):
        weights = weight("weights", [channels(inputs), num_outputs], inputs, weights_initializer,
                         weights_regularizer, trainable)
        outputs = shaping.times_matrix(inputs, weights)
        _noted(weights, variables_collections, "weights")
        outputs = _finished(outputs, num_outputs, normalizer_fn, normalizer_params,
                            biases_initializer, biases_regularizer, trainable,
                            variables_collections)
        return _collected(activated(outputs, activation_fn), outputs_collections)


def linear(inputs: Any, num_outputs: int, *arguments: Any, **keywords: Any) -> _core.Tensor:
    """fully_connected() without an activation."""
    keywords.setdefault("activation_fn", None)
    return fully_connected(inputs, num_outputs, *arguments, **keywords)


@add_arg_scope
def layer_norm(inputs: Any, center: bool = True, scale: bool = True,
               activation_fn: Callable | None = None, reuse: Any = None,
               variables_collections: Any = None, outputs_collections: Any = None,
               trainable: bool = True, begin_norm_axis: int = 1, begin_params_axis: int = -1,
               scope: Any = None) -> _core.Tensor:
    """Normalizes each element of a batch by its own mean and variance: Ba et al. 2016 (arXiv
    1607.06450). beta and gamma are of the dimensions from begin_params_axis on."""
    inputs = convert_to_tensor(inputs)
    dims = inputs.shape.as_list()
    shape = dims[begin_params_axis:]
    if None in shape:
        raise ValueError(f"layer_norm: the dimensions {shape} of the inputs must be known")
    with layer_scope(scope, "LayerNorm", reuse):
        beta = weight("beta", shape, inputs, initializers.Zeros(), trainable=trainable
                      ) if center else None
        gamma = weight("gamma", shape, inputs, initializers.Ones(), trainable=trainable
                       ) if scale else None
        for variable, key in ((beta, "beta"), (gamma, "gamma")):
            if variable is not None:
                _noted(variable, variables_collections, key)
        axes = list(range(begin_norm_axis % len(dims), len(dims)))
        mean, variance = nn.moments(inputs, axes, keep_dims=True)
        outputs = nn.batch_normalization(inputs, mean, variance, beta, gamma, 1e-12)
        return _collected(activated(outputs, activation_fn), outputs_collections)


def _finished(outputs: Any, count: int, normalizer: Callable | None, parameters: Any,
              initializer: Any, regularizer: Callable | None, trainable: bool,
             collections: Any) -> Any:
    """What is normalized has no biases."""
    if normalizer is not None:
        return normalizer(outputs, **(parameters or {}))
    if initializer is None:
        return outputs
    biases = weight("biases", [count], outputs, initializer, regularizer, trainable)
    return _core.nn._bias_add(outputs, _noted(biases, collections, "biases"), None)


@add_arg_scope
def conv2d(inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: str = "SAME",
           data_format: str | None = None, rate: Any = 1,
           activation_fn: Callable | None = _core.nn.relu, normalizer_fn: Callable | None = None,
           normalizer_params: Any = None, weights_initializer: Any = initializers.GlorotUniform(),
           weights_regularizer: Callable | None = None,
           biases_initializer: Any = initializers.Zeros(),
           biases_regularizer: Callable | None = None, reuse: Any = None,
           variables_collections: Any = None, outputs_collections: Any = None,
           trainable: bool = True, scope: Any = None) -> _core.Tensor:
    """The convolution of images, [batch, y, x, channels]; relu unless asked otherwise."""
    channels_last("conv2d", data_format)
    inputs = convert_to_tensor(inputs)
    with layer_scope(scope, "Conv", reuse):
        weights = weight("weights", [*pair(kernel_size), channels(inputs), num_outputs], inputs,
                         weights_initializer, weights_regularizer, trainable)
        outputs = nn.conv2d(inputs, weights, [1, *pair(stride), 1], padding,
                            dilations=[1, *pair(rate), 1])
        _noted(weights, variables_collections, "weights")
        outputs = _finished(outputs, num_outputs, normalizer_fn, normalizer_params,
                            biases_initializer, biases_regularizer, trainable,
                            variables_collections)
        return _collected(activated(outputs, activation_fn), outputs_collections)


@add_arg_scope
def conv2d_transpose(inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1,
                     padding: str = "SAME", data_format: str | None = None,
                     activation_fn: Callable | None = _core.nn.relu,
                     normalizer_fn: Callable | None = None, normalizer_params: Any = None,
                     weights_initializer: Any = initializers.GlorotUniform(),
                     weights_regularizer: Callable | None = None,
                     biases_initializer: Any = initializers.Zeros(),
                     biases_regularizer: Callable | None = None, reuse: Any = None,
                     variables_collections: Any = None, outputs_collections: Any = None,
                     trainable: bool = True, scope: Any = None) -> _core.Tensor:
    """The transpose of conv2d."""
    channels_last("conv2d_transpose", data_format)
    inputs = convert_to_tensor(inputs)
    size, steps = pair(kernel_size), pair(stride)
    with layer_scope(scope, "Conv2d_transpose", reuse):
        weights = weight("weights", [*size, num_outputs, channels(inputs)], inputs,
                         weights_initializer, weights_regularizer, trainable)
        outputs = transposed(inputs, weights, num_outputs, size, steps, padding.upper())
        _noted(weights, variables_collections, "weights")
        outputs = _finished(outputs, num_outputs, normalizer_fn, normalizer_params,
                            biases_initializer, biases_regularizer, trainable,
                            variables_collections)
        return _collected(activated(outputs, activation_fn), outputs_collections)


def _pool(function: Callable, inputs: Any, kernel_size: Any, stride: Any, padding: str,
          name: str) -> _core.Tensor:
    return function(inputs, [1, *pair(kernel_size), 1], [1, *pair(stride), 1], padding.upper(), name)


@add_arg_scope
def max_pool2d(inputs: Any, kernel_size: Any, stride: Any = 2, padding: str = "VALID",
               data_format: str = "NHWC", outputs_collections: Any = None,
               scope: Any = None) -> _core.Tensor:
    """The largest element of each window, for each channel."""
    channels_last("max_pool2d", data_format)
    return _collected(_pool(_core.nn._max_pool, inputs, kernel_size, stride, padding,
                            scope or "MaxPool2D"), outputs_collections)


@add_arg_scope
def avg_pool2d(inputs: Any, kernel_size: Any, stride: Any = 2, padding: str = "VALID",
               data_format: str = "NHWC", outputs_collections: Any = None,
               scope: Any = None) -> _core.Tensor:
    """The mean of each window, for each channel."""
    channels_last("avg_pool2d", data_format)
    return _collected(_pool(_core.nn._avg_pool, inputs, kernel_size, stride, padding,
                            scope or "AvgPool2D"), outputs_collections)


@add_arg_scope
def dropout(inputs: Any, keep_prob: Any = 0.5, noise_shape: Any = None, is_training: Any = True,
            outputs_collections: Any = None, scope: Any = None,
            seed: int | None = None) -> _core.Tensor:
    """Sets elements to 0 while it trains, and scales the others."""
    return _collected(dropout_layer(inputs, 1.0 - keep_prob, noise_shape, seed, is_training,
                                    scope or "Dropout"), outputs_collections)


@add_arg_scope
def batch_norm(inputs: Any, decay: float = 0.999, center: bool = True, scale: bool = False,
               epsilon: float = 0.001, activation_fn: Callable | None = None,
               param_initializers: Any = None, param_regularizers: Any = None,
               updates_collections: Any = GraphKeys.UPDATE_OPS, is_training: Any = True,
               reuse: Any = None, variables_collections: Any = None,
               outputs_collections: Any = None, trainable: bool = True,
               batch_weights: None = None, fused: bool | None = None,
               data_format: str = "NHWC", zero_debias_moving_mean: bool = False,
               scope: Any = None, renorm: bool = False) -> _core.Tensor:
    """Batch normalization. Without an updates_collections the averages move before the result."""
    refuse("batch_norm", batch_weights=batch_weights,
           zero_debias_moving_mean=zero_debias_moving_mean or None, renorm=renorm or None)
    channels_last("batch_norm", data_format)
    started = param_initializers or {}
    before = len(_core.get_collection(GraphKeys.UPDATE_OPS)) if updates_collections else 0
    known = len(global_variables())
    outputs = normalization.normalized(
        inputs, decay, epsilon, center, scale,
        [started.get(name, kind()) for name, kind in (
            ("gamma", initializers.Ones), ("beta", initializers.Zeros),
            ("moving_mean", initializers.Zeros), ("moving_variance", initializers.Ones))],
        is_training, trainable, scope, "BatchNorm", reuse, fused,
        in_place=updates_collections is None,
        regularizers=tuple((param_regularizers or {}).get(name) for name in ("gamma", "beta")))
    for variable in global_variables()[known:]:
        _noted(variable, variables_collections, variable.op.name.rpartition("/")[2])
    if updates_collections not in (None, GraphKeys.UPDATE_OPS):
        for update in _core.get_collection(GraphKeys.UPDATE_OPS)[before:]:
            add_to_collections(updates_collections, update)
    return _collected(activated(outputs, activation_fn), outputs_collections)


def softmax(logits: Any, scope: str | None = None) -> _core.Tensor:
    """tf.nn.softmax over the last dimension, with a name."""
    with tf.name_scope(scope, "softmax", [logits]):
        return tf.nn.softmax(logits)


def embed_sequence(ids: Any, vocab_size: int, embed_dim: int, initializer: Any = None,
                   regularizer: Callable | None = None, trainable: bool = True,
                   scope: Any = None, reuse: Any = None) -> _core.Tensor:
    """The rows of a new matrix that ids number."""
    with layer_scope(scope, "EmbedSequence", reuse):
        matrix = tf.get_variable("embeddings", [vocab_size, embed_dim], initializer=initializer,
                                 regularizer=regularizer, trainable=trainable)
        return _core.nn._embedding_lookup(matrix, ids)


def summarize_tensor(tensor: Any, tag: str | None = None) -> Any:
    """A summary of a number, or a histogram."""
    name = tag or tensor.op.name
    return (tf.summary.scalar if tensor.shape.ndims == 0 else tf.summary.histogram)(name, tensor)


summarize_activation = summarize_tensor


def summarize_activations(name_filter: str | None = None) -> list[Any]:
    """Summaries of what is in the collection ACTIVATIONS."""
    return [summarize_activation(x) for x in
            _core.get_collection(GraphKeys.ACTIVATIONS, name_filter)]


def optimize_loss(loss: Any, global_step: Any, learning_rate: Any, optimizer: Any,
                  clip_gradients: float | None = None, variables: Any = None) -> _core.Tensor:
    """Returns the loss, after a step of the optimizer: a name, a class, an object or a function."""
    names = {"Adam": tf.train.AdamOptimizer, "SGD": tf.train.GradientDescentOptimizer,
             "Adagrad": tf.train.AdagradOptimizer, "RMSProp": tf.train.RMSPropOptimizer}
    made = names.get(optimizer, optimizer) if isinstance(optimizer, str) else optimizer
    if callable(made):
        made = made(learning_rate)
    pairs = made.compute_gradients(loss, variables)
    if clip_gradients is not None:
        clipped, _ = tf.clip_by_global_norm([gradient for gradient, _ in pairs], clip_gradients)
        pairs = list(zip(clipped, [variable for _, variable in pairs]))
    counted = tf.train.get_global_step() if global_step is None else global_step
    step = made.apply_gradients(pairs, counted)
    with tf.control_dependencies([step]):
        return _core.identity(loss)
