"""tf.debugging."""

from typing import TYPE_CHECKING

from varscope.assertions import (
    Assert, assert_equal, assert_greater, assert_greater_equal, assert_less, assert_less_equal,
    assert_negative, assert_non_negative, assert_non_positive, assert_none_equal,
    assert_positive, assert_rank, assert_rank_at_least, check_numerics)
from varscope._core import is_finite, is_inf, is_nan
from varscope.compat.v1._missing import missing_of

__all__ = [
    "Assert", "assert_equal", "assert_greater", "assert_greater_equal", "assert_less",
    "assert_less_equal", "assert_negative", "assert_non_negative", "assert_non_positive",
    "assert_none_equal", "assert_positive", "assert_rank", "assert_rank_at_least",
    "check_numerics", "is_finite", "is_inf", "is_nan"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
