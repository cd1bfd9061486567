"""tensorflow.python.training.moving_averages."""

from typing import TYPE_CHECKING

from varscope.training.averages import ExponentialMovingAverage, assign_moving_average
from varscope.compat.v1._missing import missing_of

__all__ = [
    "ExponentialMovingAverage", "assign_moving_average"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
