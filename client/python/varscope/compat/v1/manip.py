"""tf.manip."""

from typing import TYPE_CHECKING

from varscope._core import reverse
from varscope.arrays import gather_nd, reshape, scatter_nd, tile
from varscope.moving import roll
from varscope.compat.v1._missing import missing_of

__all__ = [
    "gather_nd", "reshape", "reverse", "roll", "scatter_nd", "tile"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
