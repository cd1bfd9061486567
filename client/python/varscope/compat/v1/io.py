"""tf.io."""

from typing import TYPE_CHECKING

from varscope.compat.v1 import gfile
from varscope.readers.parsing import (FixedLenFeature, FixedLenSequenceFeature, VarLenFeature,
                                      parse_example, parse_single_example)
from varscope.readers.readers import (TFRecordCompressionType, TFRecordOptions,
                                      tf_record_iterator)
from varscope.strings.decoding import (decode_bmp, decode_csv, decode_image, decode_jpeg, decode_png,
                                       decode_raw)
from varscope.strings.ops import matching_files, read_file
from varscope.summaries.records import RecordWriter as TFRecordWriter
from varscope.compat.v1._missing import missing_of

__all__ = [
    "FixedLenFeature", "FixedLenSequenceFeature", "TFRecordCompressionType", "TFRecordOptions",
    "TFRecordWriter", "VarLenFeature", "decode_bmp", "decode_csv", "decode_image", "decode_jpeg",
    "decode_png", "decode_raw", "gfile", "matching_files", "parse_example",
    "parse_single_example", "read_file", "tf_record_iterator"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
