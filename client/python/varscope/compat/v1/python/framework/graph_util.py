"""tensorflow.python.framework.graph_util: tf.graph_util."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.compat.v1.graph_util import *  # noqa: F403
from varscope.compat.v1.graph_util import __all__ as __all__

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
