"""tensorflow.python.pywrap_tensorflow."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.training.checkpoint_reader import CheckpointReader

NewCheckpointReader = CheckpointReader

__all__ = [
    "CheckpointReader", "NewCheckpointReader"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
