"""Residual networks of He et al. 2015 (arXiv 1512.03385)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from varscope import _core, arrays
from varscope.compat.v1 import nn
from varscope.compat.v1.contrib import slim
from varscope.scopes import variable_scope


class Block(NamedTuple):
    """Units with the arguments of each: the depth, that of the middle, and the stride."""

    scope: str
    unit_fn: Any
    args: Sequence[Mapping[str, int]]


def resnet_arg_scope(weight_decay: float = 0.0001, batch_norm_decay: float = 0.997,
                     batch_norm_epsilon: float = 1e-5, batch_norm_scale: bool = True,
                     activation_fn: Any = nn.relu, use_batch_norm: bool = True) -> Any:
    """Returns the defaults of the layers."""
    normal = dict(decay=batch_norm_decay, epsilon=batch_norm_epsilon, scale=batch_norm_scale)
    with slim.arg_scope(
            [slim.conv2d], weights_regularizer=slim.l2_regularizer(weight_decay),
            weights_initializer=slim.variance_scaling_initializer(), activation_fn=activation_fn,
            normalizer_fn=slim.batch_norm if use_batch_norm else None, normalizer_params=normal):
        with slim.arg_scope([slim.batch_norm], **normal):
            with slim.arg_scope([slim.max_pool2d], padding="SAME") as made:
                return made


def _same(inputs: Any, depth: int, size: int, stride: int, scope: str) -> Any:
    """A convolution whose stride takes the first pixel of each square."""
    if stride == 1:
        return slim.conv2d(inputs, depth, size, stride=1, padding="SAME", scope=scope)
    before = (size - 1) // 2
    after = size - 1 - before
    inputs = arrays.pad(inputs, [[0, 0], [before, after], [before, after], [0, 0]])
    return slim.conv2d(inputs, depth, size, stride=stride, padding="VALID", scope=scope)


def bottleneck(inputs: Any, depth: int, depth_bottleneck: int, stride: int, rate: int = 1,
               outputs_collections: Any = None, scope: str | None = None) -> Any:
    """Three convolutions beside a shortcut."""
    with variable_scope(scope, "bottleneck_v1", [inputs]):
        if depth == inputs.shape.as_list()[-1]:
            shortcut = inputs if stride == 1 else slim.max_pool2d(inputs, [1, 1], stride,
                                                                  scope="shortcut")
        else:
            shortcut = slim.conv2d(inputs, depth, [1, 1], stride=stride, activation_fn=None,
                                   scope="shortcut")
        residual = slim.conv2d(inputs, depth_bottleneck, [1, 1], stride=1, scope="conv1")
        residual = _same(residual, depth_bottleneck, 3, stride, "conv2")
        residual = slim.conv2d(residual, depth, [1, 1], stride=1, activation_fn=None, scope="conv3")
        return nn.relu(shortcut + residual)


def resnet_v1_block(scope: str, base_depth: int, num_units: int, stride: int) -> Block:
    """Returns a block whose last unit has the stride."""
    unit = dict(depth=base_depth * 4, depth_bottleneck=base_depth)
    return Block(scope, bottleneck,
                 [{**unit, "stride": 1}] * (num_units - 1) + [{**unit, "stride": stride}])


def resnet_v1(inputs: Any, blocks: Iterable[Block], num_classes: int | None = None,
              is_training: bool | None = True, global_pool: bool = True,
              output_stride: None = None, include_root_block: bool = True,
              spatial_squeeze: bool = True, reuse: Any = None,
              scope: str | None = None) -> tuple[Any, dict[str, Any]]:
    """Returns the scores, and what the blocks made, by their names."""
    if output_stride is not None:
        raise NotImplementedError("resnet_v1: varscope has no 'output_stride'")
    points: dict[str, Any] = {}
    with variable_scope(scope, "resnet_v1", [inputs], reuse=reuse) as opened:
        with slim.arg_scope([slim.batch_norm], is_training=bool(is_training)):
            net = inputs
            if include_root_block:
                net = slim.max_pool2d(_same(net, 64, 7, 2, "conv1"), [3, 3], stride=2,
                                      scope="pool1")
            for block in blocks:
                with variable_scope(block.scope, "block", [net]):
                    for number, arguments in enumerate(block.args, 1):
                        with variable_scope(f"unit_{number}", values=[net]):
                            net = block.unit_fn(net, **arguments)
                            points[f"{opened.name}/{block.scope}/unit_{number}/"
                                   "bottleneck_v1"] = net
                points[f"{opened.name}/{block.scope}"] = net
            if global_pool:
                net = points["global_pool"] = _core.reduce_mean(net, [1, 2], True)
            if num_classes:
                net = slim.conv2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None,
                                  scope="logits")
                if spatial_squeeze:
                    net = _core.squeeze(net, [1, 2])
                points["predictions"] = nn.softmax(net)
            return net, points


def _named(inputs: Any, counts: Sequence[int], scope: str, arguments: dict[str, Any]) -> Any:
    blocks = [resnet_v1_block(f"block{number}", depth, count, stride)
              for number, (depth, count, stride) in enumerate(
                  zip((64, 128, 256, 512), counts, (2, 2, 2, 1)), 1)]
    return resnet_v1(inputs, blocks, scope=scope, **arguments)


def resnet_v1_50(inputs: Any, num_classes: int | None = None, is_training: bool | None = True,
                 global_pool: bool = True, output_stride: None = None, reuse: Any = None,
                 scope: str = "resnet_v1_50") -> tuple[Any, dict[str, Any]]:
    """50 layers."""
    return _named(inputs, (3, 4, 6, 3), scope, dict(
        num_classes=num_classes, is_training=is_training, global_pool=global_pool,
        output_stride=output_stride, reuse=reuse))


def resnet_v1_101(inputs: Any, num_classes: int | None = None, is_training: bool | None = True,
                  global_pool: bool = True, output_stride: None = None, reuse: Any = None,
                  scope: str = "resnet_v1_101") -> tuple[Any, dict[str, Any]]:
    """101 layers."""
    return _named(inputs, (3, 4, 23, 3), scope, dict(
        num_classes=num_classes, is_training=is_training, global_pool=global_pool,
        output_stride=output_stride, reuse=reuse))


def resnet_v1_152(inputs: Any, num_classes: int | None = None, is_training: bool | None = True,
                  global_pool: bool = True, output_stride: None = None, reuse: Any = None,
                  scope: str = "resnet_v1_152") -> tuple[Any, dict[str, Any]]:
    """152 layers."""
    return _named(inputs, (3, 8, 36, 3), scope, dict(
        num_classes=num_classes, is_training=is_training, global_pool=global_pool,
        output_stride=output_stride, reuse=reuse))
