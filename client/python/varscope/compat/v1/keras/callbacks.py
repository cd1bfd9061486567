"""tf.keras.callbacks."""

from typing import TYPE_CHECKING

from varscope.keras.callbacks import (
    CSVLogger, Callback, EarlyStopping, History, LambdaCallback, LearningRateScheduler,
    ModelCheckpoint, ReduceLROnPlateau, TensorBoard, TerminateOnNaN)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "CSVLogger", "Callback", "EarlyStopping", "History", "LambdaCallback", "LearningRateScheduler",
    "ModelCheckpoint", "ReduceLROnPlateau", "TensorBoard", "TerminateOnNaN"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
