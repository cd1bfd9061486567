"""VGG of Simonyan and Zisserman 2014 (arXiv 1409.1556)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from varscope import _core
from varscope.compat.v1 import nn
from varscope.compat.v1.contrib import slim
from varscope.initializers import Zeros
from varscope.scopes import variable_scope


def vgg_arg_scope(weight_decay: float = 0.0005) -> Any:
    """Returns the defaults of the layers."""
    with slim.arg_scope([slim.conv2d, slim.fully_connected], activation_fn=nn.relu,
                        weights_regularizer=slim.l2_regularizer(weight_decay),
                        biases_initializer=Zeros()):
        with slim.arg_scope([slim.conv2d], padding="SAME") as made:
            return made


def _vgg(inputs: Any, counts: Sequence[int], num_classes: int | None, is_training: bool,
         keep: float, squeezed: bool, name: str, padding: str,
         pools: bool) -> tuple[Any, dict[str, Any]]:
    points: dict[str, Any] = {}

    def noted(x: Any, key: str) -> Any:
        points[f"{scope.name}/{key}"] = x
        return x

    with variable_scope(name, values=[inputs]) as scope:
        net = inputs
        for number, (count, depth) in enumerate(zip(counts, (64, 128, 256, 512, 512)), 1):
            net = slim.repeat(net, count, slim.conv2d, depth, [3, 3], scope=f"conv{number}")
            net = noted(slim.max_pool2d(noted(net, f"conv{number}"), [2, 2], scope=f"pool{number}"),
                        f"pool{number}")
        net = noted(slim.conv2d(net, 4096, [7, 7], padding=padding, scope="fc6"), "fc6")
        net = slim.dropout(net, keep, is_training=is_training, scope="dropout6")
        net = noted(slim.conv2d(net, 4096, [1, 1], scope="fc7"), "fc7")
        if pools:
            net = points["global_pool"] = _core.reduce_mean(net, [1, 2], True)
        if num_classes:
            net = slim.dropout(net, keep, is_training=is_training, scope="dropout7")
            net = slim.conv2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None,
                              scope="fc8")
            if squeezed:
                net = _core.squeeze(net, [1, 2])
            noted(net, "fc8")
        return net, points


def vgg_a(inputs: Any, num_classes: int | None = 1000, is_training: bool = True,
          dropout_keep_prob: float = 0.5, spatial_squeeze: bool = True, scope: str = "vgg_a",
          fc_conv_padding: str = "VALID", global_pool: bool = False) -> tuple[Any, dict[str, Any]]:
    """11 layers. Returns the scores, and what all layers made, by their names."""
    return _vgg(inputs, (1, 1, 2, 2, 2), num_classes, is_training, dropout_keep_prob,
                spatial_squeeze, scope, fc_conv_padding, global_pool)


def vgg_16(inputs: Any, num_classes: int | None = 1000, is_training: bool = True,
           dropout_keep_prob: float = 0.5, spatial_squeeze: bool = True, scope: str = "vgg_16",
           fc_conv_padding: str = "VALID", global_pool: bool = False) -> tuple[Any, dict[str, Any]]:
    """16 layers. Returns the scores, and what all layers made, by their names."""
    return _vgg(inputs, (2, 2, 3, 3, 3), num_classes, is_training, dropout_keep_prob,
                spatial_squeeze, scope, fc_conv_padding, global_pool)


def vgg_19(inputs: Any, num_classes: int | None = 1000, is_training: bool = True,
           dropout_keep_prob: float = 0.5, spatial_squeeze: bool = True, scope: str = "vgg_19",
           fc_conv_padding: str = "VALID", global_pool: bool = False) -> tuple[Any, dict[str, Any]]:
    """19 layers. Returns the scores, and what all layers made, by their names."""
    return _vgg(inputs, (2, 2, 4, 4, 4), num_classes, is_training, dropout_keep_prob,
                spatial_squeeze, scope, fc_conv_padding, global_pool)
