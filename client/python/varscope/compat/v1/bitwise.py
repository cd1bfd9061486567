"""tf.bitwise: functions of the bits of integers."""

from typing import TYPE_CHECKING

from varscope._core import (bitwise_and, bitwise_or, bitwise_xor, invert, left_shift,
                            right_shift)
from varscope.compat.v1._missing import missing_of

__all__ = ["bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift"]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
