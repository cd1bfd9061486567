"""tf.contrib.slim.nets."""

from typing import TYPE_CHECKING

from varscope.compat.v1.contrib._nets import resnet_v1, vgg
from varscope.compat.v1._missing import missing_of

__all__ = [
    "resnet_v1", "vgg"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
