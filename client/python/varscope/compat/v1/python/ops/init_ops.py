"""tensorflow.python.ops.init_ops."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.initializers import Constant as constant_initializer
from varscope.initializers import Ones as ones_initializer
from varscope.initializers import Orthogonal as orthogonal_initializer
from varscope.initializers import RandomNormal as random_normal_initializer
from varscope.initializers import RandomUniform as random_uniform_initializer
from varscope.initializers import TruncatedNormal as truncated_normal_initializer
from varscope.initializers import VarianceScaling as variance_scaling_initializer
from varscope.initializers import Zeros as zeros_initializer

__all__ = [
    "constant_initializer", "ones_initializer", "orthogonal_initializer",
    "random_normal_initializer", "random_uniform_initializer", "truncated_normal_initializer",
    "variance_scaling_initializer", "zeros_initializer"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
