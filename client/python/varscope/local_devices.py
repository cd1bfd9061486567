"""The devices of this machine, as TensorFlow's device_lib lists them: one processor."""

from __future__ import annotations

from typing import Any, NamedTuple


class DeviceAttributes(NamedTuple):
    """One device."""

    name: str
    device_type: str
    memory_limit: int
    incarnation: int = 1
    physical_device_desc: str = ""


def list_local_devices(session_config: Any = None) -> list[DeviceAttributes]:
    """Returns the processor alone."""
    return [DeviceAttributes("/device:CPU:0", "CPU", 1 << 28)]
