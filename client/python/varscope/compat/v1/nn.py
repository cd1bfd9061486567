"""tf.nn: activations, losses, convolution, as varscope has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from varscope import _core
from varscope._core import softsign
from varscope._core.nn import (elu, l2_loss, leaky_relu, relu, relu6, selu, sigmoid, softplus,
                               tanh)
from varscope.activations import (batch_norm_with_global_normalization, crelu,
                                  local_response_normalization, log_sigmoid, relu_layer, swish,
                                  weighted_cross_entropy_with_logits, xw_plus_b, zero_fraction)
from varscope.candidate_losses import (log_uniform_candidate_sampler, nce_loss,
                                       sampled_softmax_loss)
from varscope.compat.v1 import rnn_cell
from varscope.compat.v1._missing import missing_of
from varscope.dilated import with_gaps as _with_gaps
from varscope.largest import in_top_k, top_k
from varscope.normalization import (batch_normalization, fused_batch_norm, moments,
                                    normalize_moments, sufficient_statistics, weighted_moments)
from varscope.ops import convert_to_tensor as _tensor
from varscope.random_drops import dropout
from varscope.rnn.unrolling import (bidirectional_dynamic_rnn, dynamic_rnn,
                                    static_bidirectional_rnn, static_rnn)
from varscope.scopes import name_scope
from varscope.shaping import of_images as _of_images
from varscope.transposed_convolution import conv2d_transpose


_nn = _core.nn
lrn = local_response_normalization


def _last_axis(function: str, logits: Any, axis: int | None) -> None:
    last = len(logits.shape) - 1 if getattr(logits, "shape", None) else -1
    if axis not in (None, -1, last):
        raise NotImplementedError(f"{function}: varscope has the last axis alone")


def _along(function: Any, logits: Any, axis: int | None, name: str | None) -> _core.Tensor:
    """What a function of the last dimension makes of another one."""
    logits = _tensor(logits)
    rank = logits.shape.ndims
    if axis in (None, -1) or (rank is not None and axis == rank - 1):
        return function(logits, name)
    if rank is None or not -rank <= axis < rank:
        raise ValueError(f"axis {axis} of a tensor of shape {logits.shape}")
    order = list(range(rank))
    order[axis], order[-1] = order[-1], order[axis]
    return _core.transpose(function(_core.transpose(logits, order), None), order, name)


def softmax(logits: Any, axis: int | None = None, name: str | None = None,
            dim: int | None = None) -> _core.Tensor:
    """e^x / sum(e^x) over a dimension, the last one by default."""
    return _along(_nn._softmax, logits, dim if axis is None else axis, name)


def log_softmax(logits: Any, axis: int | None = None, name: str | None = None,
                dim: int | None = None) -> _core.Tensor:
    """The logarithm of softmax, computed without overflow."""
    return _along(_nn._log_softmax, logits, dim if axis is None else axis, name)


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None,
                 dim: Any = None) -> _core.Tensor:
    """x / sqrt(max(sum(x^2), epsilon)), with the sum over `axis`."""
    return _nn._l2_normalize(x, dim if axis is None else axis, epsilon, name)


def _named(function: str, sentinel: Any, labels: Any, logits: Any) -> None:
    if sentinel is not None:
        raise ValueError(f"Only call `{function}` with named arguments (labels=..., logits=..., "
                         "...)")
    if labels is None or logits is None:
        raise ValueError("Both labels and logits must be provided.")


def _of_dtype(labels: Any, logits: Any) -> tuple[Any, Any]:
    """Labels of whole numbers, or of another width, as the logits' dtype."""
    labels, logits = _tensor(labels), _tensor(logits)
    if labels.dtype != logits.dtype:
        labels = _core.cast(labels, logits.dtype)
    return labels, logits


def softmax_cross_entropy_with_logits_v2(labels: Any, logits: Any, axis: int | None = None,
                                         name: str | None = None,
                                         dim: int | None = None) -> _core.Tensor:
    """The cross entropy of softmax(logits) and labels, both of which have a gradient."""
    _last_axis("softmax_cross_entropy_with_logits_v2", logits, dim if axis is None else axis)
    return _nn._softmax_cross_entropy(*_of_dtype(labels, logits), name)


def softmax_cross_entropy_with_logits(_sentinel: Any = None, labels: Any = None,
                                      logits: Any = None, dim: int = -1, name: str | None = None,
                                      axis: int | None = None) -> _core.Tensor:
    """The same without a gradient of the labels."""
    _named("softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    _last_axis("softmax_cross_entropy_with_logits", logits, dim if axis is None else axis)
    with name_scope(name, "softmax_cross_entropy_with_logits_sg") as scope:
        labels = _core.stop_gradient(labels, "labels_stop_gradient")
        return _nn._softmax_cross_entropy(*_of_dtype(labels, logits), scope)


def sparse_softmax_cross_entropy_with_logits(_sentinel: Any = None, labels: Any = None,
                                             logits: Any = None,
                                             name: str | None = None) -> _core.Tensor:
    """The cross entropy of softmax(logits) and labels that are class numbers."""
    _named("sparse_softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    return _nn._sparse_softmax_cross_entropy(labels, logits, name)


def sigmoid_cross_entropy_with_logits(_sentinel: Any = None, labels: Any = None,
                                      logits: Any = None,
                                      name: str | None = None) -> _core.Tensor:
    """The cross entropy of sigmoid(logits) and labels, element by element."""
    _named("sigmoid_cross_entropy_with_logits", _sentinel, labels, logits)
    return _nn._sigmoid_cross_entropy(labels, logits, name)


def embedding_lookup(params: Any, ids: Any, partition_strategy: str = "mod",
                     name: str | None = None, validate_indices: bool = True,
                     max_norm: None = None) -> _core.Tensor:
    """The rows of params that ids number: of a tensor, or of shards, which are a list or the parts of
    a partitioned variable. "mod": id i is row i // n of shard i % n; "div": the shards have equally
    many consecutive ids."""
    if max_norm is not None:
        raise NotImplementedError("embedding_lookup: varscope has no 'max_norm'")
    return _nn._embedding_lookup(params, ids, partition_strategy, name)


def bias_add(value: Any, bias: Any, data_format: str | None = None,
             name: str | None = None) -> _core.Tensor:
    """value + bias, along the last dimension."""
    _nhwc("bias_add", data_format)
    return _nn._bias_add(value, bias, name)


def conv2d(input: Any, filter: Any = None, strides: Any = None, padding: str | None = None,
           use_cudnn_on_gpu: bool = True, data_format: str = "NHWC",
           dilations: Any = (1, 1, 1, 1), name: str | None = None,
           filters: Any = None) -> _core.Tensor:
    """The convolution of images, NHWC, with a filter, HWIO. `strides` is [1, y, x, 1], [y, x], or one
    number."""
    _nhwc("conv2d", data_format)
    kernel = filters if filter is None else filter
    rates = _of_images(dilations)[1:3]
    if rates != [1, 1]:
        kernel = _with_gaps(kernel, rates)
    return _nn._conv2d(input, kernel, _of_images(strides), _spelled(padding), name)


def _spelled(padding: str | None) -> str:
    if padding is None:
        raise ValueError("conv2d: give the padding, 'SAME' or 'VALID'")
    return padding


def max_pool(value: Any = None, ksize: Any = None, strides: Any = None, padding: str = "VALID",
             data_format: str = "NHWC", name: str | None = None, input: Any = None) -> _core.Tensor:
    """The largest element of each window, for each channel."""
    _nhwc("max_pool", data_format)
    return _nn._max_pool(input if value is None else value, _of_images(ksize), _of_images(strides),
                         padding, name)


max_pool2d = max_pool


def avg_pool(value: Any = None, ksize: Any = None, strides: Any = None, padding: str = "VALID",
             data_format: str = "NHWC", name: str | None = None, input: Any = None) -> _core.Tensor:
    """The mean of each window, for each channel."""
    _nhwc("avg_pool", data_format)
    return _nn._avg_pool(input if value is None else value, _of_images(ksize), _of_images(strides),
                         padding, name)


def _nhwc(function: str, data_format: str | None) -> None:
    if data_format not in (None, "NHWC"):
        raise NotImplementedError(f"{function}: varscope has the data format NHWC alone")

# What is made of these.
from varscope.maxima import max_pool_with_argmax  # noqa: E402
from varscope.moving import depth_to_space, space_to_depth  # noqa: E402
from varscope.convolutions import atrous_conv2d, convolution, pool  # noqa: E402
from varscope.ctc import ctc_loss  # noqa: E402
from varscope.ctc_decoding import ctc_beam_search_decoder, ctc_greedy_decoder  # noqa: E402
from varscope.rnn.raw import raw_rnn  # noqa: E402
from varscope.rounding import log_poisson_loss  # noqa: E402
from varscope.separable import (conv1d, depthwise_conv2d,  # noqa: E402
                                depthwise_conv2d_native, separable_conv2d)
from varscope.sparse_embeddings import (embedding_lookup_sparse,  # noqa: E402
                                        safe_embedding_lookup_sparse)
from varscope.volumes import (avg_pool3d, conv3d, conv3d_transpose,  # noqa: E402
                              max_pool3d)

silu = swish

__all__ = [
    "atrous_conv2d", "avg_pool", "avg_pool3d", "batch_norm_with_global_normalization",
    "batch_normalization", "bias_add", "bidirectional_dynamic_rnn", "conv1d", "conv2d",
    "conv2d_transpose", "conv3d", "conv3d_transpose", "convolution", "crelu",
    "ctc_beam_search_decoder", "ctc_greedy_decoder", "ctc_loss", "depth_to_space",
    "depthwise_conv2d", "depthwise_conv2d_native", "dropout", "dynamic_rnn", "elu",
    "embedding_lookup", "embedding_lookup_sparse", "fused_batch_norm", "in_top_k", "l2_loss",
    "l2_normalize", "leaky_relu", "local_response_normalization", "log_poisson_loss", "log_sigmoid",
    "log_softmax", "log_uniform_candidate_sampler", "lrn", "max_pool", "max_pool2d", "max_pool3d",
    "max_pool_with_argmax", "moments", "nce_loss", "normalize_moments", "pool", "raw_rnn", "relu",
    "relu6", "relu_layer", "rnn_cell", "safe_embedding_lookup_sparse", "sampled_softmax_loss",
    "selu", "separable_conv2d", "sigmoid", "sigmoid_cross_entropy_with_logits", "silu", "softmax",
    "softmax_cross_entropy_with_logits", "softmax_cross_entropy_with_logits_v2", "softplus",
    "softsign", "space_to_depth", "sparse_softmax_cross_entropy_with_logits",
    "static_bidirectional_rnn", "static_rnn", "sufficient_statistics", "swish", "tanh", "top_k",
    "weighted_cross_entropy_with_logits", "weighted_moments", "xw_plus_b", "zero_fraction"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
