"""tf.keras.activations."""

from typing import TYPE_CHECKING

from varscope.keras.choices import exponential, hard_sigmoid, linear, relu
from varscope.keras.choices import activation as get
from varscope.compat.v1.nn import elu, selu, sigmoid, softmax, softplus, softsign, tanh
from varscope.compat.v1._missing import missing_of

__all__ = [
    "elu", "exponential", "get", "hard_sigmoid", "linear", "relu", "selu", "sigmoid", "softmax",
    "softplus", "softsign", "tanh"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
