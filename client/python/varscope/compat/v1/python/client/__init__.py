"""tensorflow.python.client."""

from typing import TYPE_CHECKING

from varscope import local_devices, timelines
from varscope.compat.v1._missing import missing_of
from varscope.compat.v1.python._borrowing import Borrowing, borrowing

device_lib = Borrowing(f"{__name__}.device_lib", (), {
    "list_local_devices": local_devices.list_local_devices})
timeline = Borrowing(f"{__name__}.timeline", (), {"Timeline": timelines.Timeline})
globals().update(borrowing(__name__, {"session": "tf"}))

__all__: list[str] = []

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
