"""tf.contrib.slim.nets.resnet_v1."""

from typing import TYPE_CHECKING

from varscope.nets.resnet_v1 import (bottleneck, resnet_arg_scope, resnet_v1, resnet_v1_101,
                                     resnet_v1_152, resnet_v1_50, resnet_v1_block)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "bottleneck", "resnet_arg_scope", "resnet_v1", "resnet_v1_101", "resnet_v1_152",
    "resnet_v1_50", "resnet_v1_block"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
