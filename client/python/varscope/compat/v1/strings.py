"""tf.strings."""

from typing import TYPE_CHECKING

from varscope.strings.ops import as_string
from varscope.strings.ops import string_join as join
from varscope.strings.ops import string_length as length
from varscope.strings.ops import string_strip as strip
from varscope.strings.ops import string_to_number as to_number
from varscope.strings.ops import substr
from varscope.strings.ops import string_to_hash_bucket_strong as to_hash_bucket_strong
from varscope.strings.splitting import reduce_join, regex_full_match, regex_replace
from varscope.strings.splitting import string_lower as lower
from varscope.strings.splitting import string_to_hash_bucket as to_hash_bucket
from varscope.strings.splitting import string_to_hash_bucket_fast as to_hash_bucket_fast
from varscope.strings.splitting import string_upper as upper
from varscope.strings.splitting import strings_split as split
from varscope.compat.v1._missing import missing_of

__all__ = [
    "as_string", "join", "length", "lower", "reduce_join", "regex_full_match", "regex_replace",
    "split", "strip", "substr", "to_hash_bucket", "to_hash_bucket_fast", "to_hash_bucket_strong",
    "to_number", "upper"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
