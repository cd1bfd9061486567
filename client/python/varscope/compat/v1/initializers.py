"""tf.initializers."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.initializers import Constant as constant
from varscope.initializers import GlorotNormal as glorot_normal
from varscope.initializers import GlorotUniform as glorot_uniform
from varscope.initializers import Identity as identity
from varscope.initializers import Ones as ones
from varscope.initializers import Orthogonal as orthogonal
from varscope.initializers import RandomNormal as random_normal
from varscope.initializers import RandomUniform as random_uniform
from varscope.initializers import TruncatedNormal as truncated_normal
from varscope.initializers import VarianceScaling as variance_scaling
from varscope.initializers import Zeros as zeros

__all__ = [
    "constant", "glorot_normal", "glorot_uniform", "identity", "ones", "orthogonal",
    "random_normal", "random_uniform", "truncated_normal", "variance_scaling", "zeros"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
