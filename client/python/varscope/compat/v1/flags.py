"""tf.flags."""

from typing import TYPE_CHECKING

from varscope.flags import (DEFINE_bool, DEFINE_boolean, DEFINE_enum, DEFINE_float, DEFINE_integer, DEFINE_list,
                            DEFINE_string, FLAGS, FlagValues, mark_flag_as_required)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "DEFINE_bool", "DEFINE_boolean", "DEFINE_enum", "DEFINE_float", "DEFINE_integer",
    "DEFINE_list", "DEFINE_string", "FLAGS", "FlagValues", "mark_flag_as_required"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
