"""tf.python_io."""

from typing import TYPE_CHECKING

from varscope.summaries.records import RecordWriter as TFRecordWriter
from varscope.readers.readers import (TFRecordCompressionType, TFRecordOptions,
                                      tf_record_iterator)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "TFRecordCompressionType", "TFRecordOptions", "TFRecordWriter", "tf_record_iterator"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
