"""tf.train.Example: the records that TFRecord files have."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any

from varscope.summaries import wire


class BytesList:
    """Texts of bytes."""

    def __init__(self, value: Iterable[bytes] = ()) -> None:
        self.value = list(value)

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        return b"".join(wire.message(1, item) for item in self.value)


class FloatList:
    """Numbers."""

    def __init__(self, value: Iterable[float] = ()) -> None:
        self.value = [float(item) for item in value]

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        return wire.message(1, struct.pack(f"<{len(self.value)}f", *self.value))


class Int64List:
    """Whole numbers."""

    def __init__(self, value: Iterable[int] = ()) -> None:
        self.value = [int(item) for item in value]

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        return wire.message(1, b"".join(wire.varint(item) for item in self.value))


class Feature:
    """One of the three lists."""

    def __init__(self, bytes_list: BytesList | None = None, float_list: FloatList | None = None,
                 int64_list: Int64List | None = None) -> None:
        self.bytes_list, self.float_list, self.int64_list = bytes_list, float_list, int64_list

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        lists = enumerate((self.bytes_list, self.float_list, self.int64_list), 1)
        return b"".join(wire.message(field, kept.SerializeToString())
                        for field, kept in lists if kept is not None)


class Features:
    """Features by name."""

    def __init__(self, feature: Mapping[str, Feature] | None = None) -> None:
        self.feature: dict[str, Any] = dict(feature or {})

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        return b"".join(
            wire.message(1, wire.message(1, name) + wire.message(2, kept.SerializeToString()))
            for name, kept in self.feature.items())


class Example:
    """One record."""

    def __init__(self, features: Features | None = None) -> None:
        self.features = features or Features()

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        return wire.message(1, self.features.SerializeToString())
