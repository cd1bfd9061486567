"""tf.contrib.distributions."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.distributions.discrete import Bernoulli, Categorical
from varscope.distributions.normal import MultivariateNormalDiag, Normal, kl_divergence
from varscope.distributions.simple import Exponential, Laplace, Uniform

__all__ = [
    "Bernoulli", "Categorical", "Exponential", "Laplace", "MultivariateNormalDiag", "Normal",
    "Uniform", "kl_divergence"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
