"""tf.initializers."""

from typing import TYPE_CHECKING

from varscope._core import global_variables_initializer as global_variables
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
from varscope.local_variables import local_variables_initializer as local_variables
from varscope.variables import variables_initializer as variables


def he_normal(seed: int | None = None) -> variance_scaling:
    """He et al. 2015 (arXiv 1502.01852): for layers with relu."""
    return variance_scaling(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: int | None = None) -> variance_scaling:
    """For layers with relu."""
    return variance_scaling(2.0, "fan_in", "uniform", seed)


def lecun_uniform(seed: int | None = None) -> variance_scaling:
    """For layers with selu."""
    return variance_scaling(1.0, "fan_in", "uniform", seed)


def lecun_normal(seed: int | None = None) -> variance_scaling:
    """For layers with selu."""
    return variance_scaling(1.0, "fan_in", "truncated_normal", seed)


__all__ = [
    "constant", "global_variables", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform",
    "identity", "lecun_normal", "lecun_uniform", "local_variables", "ones", "orthogonal",
    "random_normal", "random_uniform", "truncated_normal", "variables", "variance_scaling", "zeros"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
