"""tf.random: numbers that each run draws anew."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.random_numbers import categorical, multinomial, truncated_normal
from varscope.random_numbers import random_normal as normal
from varscope.random_numbers import random_shuffle as shuffle
from varscope.random_numbers import random_uniform as uniform
from varscope.rejected_numbers import random_gamma as gamma
from varscope.rejected_numbers import random_poisson as poisson
from varscope.seeds import get_seed, set_random_seed

__all__ = [
    "categorical", "gamma", "get_seed", "multinomial", "normal", "poisson", "set_random_seed",
    "shuffle", "truncated_normal", "uniform"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
