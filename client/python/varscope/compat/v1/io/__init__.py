"""tf.io."""

from typing import TYPE_CHECKING

from varscope.compat.v1.io import gfile
from varscope.readers.parsing import (FixedLenFeature, FixedLenSequenceFeature, VarLenFeature,
                                      parse_example, parse_single_example)
from varscope.readers.queues import FIFOQueue, PaddingFIFOQueue, QueueBase, RandomShuffleQueue
from varscope.readers.sequences import parse_single_sequence_example
from varscope.saved_graphs.graph_defs import write_graph
from varscope.readers.readers import (TFRecordCompressionType, TFRecordOptions,
                                      tf_record_iterator)
from varscope.strings.decoding import (decode_bmp, decode_csv, decode_image, decode_jpeg, decode_png,
                                       decode_raw)
from varscope.strings.ops import match_filenames_once, matching_files, read_file
from varscope.summaries.records import RecordWriter as TFRecordWriter
from varscope.strings.splitting import decode_base64, encode_base64
from varscope.strings.encoding import encode_jpeg, encode_png, write_file
from varscope.compat.v1._missing import missing_of

__all__ = [
    "FIFOQueue", "FixedLenFeature", "FixedLenSequenceFeature", "PaddingFIFOQueue", "QueueBase",
    "RandomShuffleQueue", "TFRecordCompressionType", "TFRecordOptions", "TFRecordWriter",
    "VarLenFeature", "decode_base64", "decode_bmp", "decode_csv", "decode_image", "decode_jpeg",
    "decode_png", "decode_raw", "encode_base64", "encode_jpeg", "encode_png", "gfile",
    "match_filenames_once", "matching_files", "parse_example", "parse_single_example",
    "parse_single_sequence_example", "read_file", "tf_record_iterator", "write_file", "write_graph"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
