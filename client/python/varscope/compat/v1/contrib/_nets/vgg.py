"""tf.contrib.slim.nets.vgg."""

from typing import TYPE_CHECKING

from varscope.nets.vgg import vgg_16, vgg_19, vgg_a, vgg_arg_scope
from varscope.compat.v1._missing import missing_of

__all__ = [
    "vgg_16", "vgg_19", "vgg_a", "vgg_arg_scope"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
