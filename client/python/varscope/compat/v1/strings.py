"""tf.strings."""

from typing import TYPE_CHECKING

from varscope.strings.ops import as_string
from varscope.strings.ops import string_join as join
from varscope.strings.ops import string_length as length
from varscope.strings.ops import string_strip as strip
from varscope.strings.ops import string_to_number as to_number
from varscope.strings.ops import substr
from varscope.compat.v1._missing import missing_of

__all__ = [
    "as_string", "join", "length", "strip", "substr", "to_number"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
