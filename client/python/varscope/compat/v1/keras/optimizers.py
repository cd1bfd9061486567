"""tf.keras.optimizers."""

from typing import TYPE_CHECKING

from varscope.keras.optimizers import Adadelta, Adagrad, Adam, Adamax, Optimizer, RMSprop, SGD, get
from varscope.compat.v1._missing import missing_of

__all__ = [
    "Adadelta", "Adagrad", "Adam", "Adamax", "Optimizer", "RMSprop", "SGD", "get"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
