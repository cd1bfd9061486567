"""tf.device: where ops would run. varscope runs them in the program and keeps variables in the store,
so that a device is a name alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class device:
    """A `with` block of a device: a name, a function of ops as replica_device_setter makes one, or
    None."""

    def __init__(self, device_name_or_function: str | Callable[[Any], str] | None) -> None:
        self._device = device_name_or_function

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        pass
