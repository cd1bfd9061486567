"""tf.keras."""

from typing import TYPE_CHECKING

from varscope.compat.v1.keras import (activations, backend, callbacks, constraints, datasets,
                                      initializers, layers, losses, metrics, models, optimizers,
                                      preprocessing, regularizers, utils)
from varscope.keras.models import Input, Model, Sequential
from varscope.compat.v1._missing import missing_of

__all__ = [
    "Input", "Model", "Sequential", "activations", "backend", "callbacks", "constraints",
    "datasets", "initializers", "layers", "losses", "metrics", "models", "optimizers",
    "preprocessing", "regularizers", "utils"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
