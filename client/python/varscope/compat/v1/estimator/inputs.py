"""tf.estimator.inputs."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.estimators.inputs import numpy_input_fn, pandas_input_fn

__all__ = [
    "numpy_input_fn", "pandas_input_fn"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
