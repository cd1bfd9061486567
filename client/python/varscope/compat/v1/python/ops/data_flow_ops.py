"""tensorflow.python.ops.data_flow_ops."""

from typing import TYPE_CHECKING

from varscope.readers.queues import FIFOQueue, PaddingFIFOQueue, QueueBase, RandomShuffleQueue
from varscope.compat.v1._missing import missing_of

__all__ = [
    "FIFOQueue", "PaddingFIFOQueue", "QueueBase", "RandomShuffleQueue"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
