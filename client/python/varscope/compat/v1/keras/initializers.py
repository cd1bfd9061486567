"""tf.keras.initializers."""

from typing import TYPE_CHECKING

from varscope.keras.choices import (
    RandomNormal, RandomUniform, TruncatedNormal, he_normal, he_uniform, lecun_normal,
    lecun_uniform)
from varscope.keras.choices import initializer as get
from varscope.initializers import (
    Constant, GlorotNormal, GlorotUniform, Identity, Initializer, Ones, Orthogonal,
    VarianceScaling, Zeros)
from varscope.compat.v1._missing import missing_of

constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
identity = Identity
normal = RandomNormal
ones = Ones
orthogonal = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
uniform = RandomUniform
zeros = Zeros

__all__ = [
    "Constant", "GlorotNormal", "GlorotUniform", "Identity", "Initializer", "Ones", "Orthogonal",
    "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Zeros", "constant",
    "get", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "identity", "lecun_normal",
    "lecun_uniform", "normal", "ones", "orthogonal", "random_normal", "random_uniform",
    "truncated_normal", "uniform", "zeros"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
