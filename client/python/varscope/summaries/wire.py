"""Messages of protocol buffers, as far as event files need them: fields, written one by one."""

from __future__ import annotations

import struct
from collections.abc import Iterable


def varint(number: int) -> bytes:
    """Returns a number of at most 64 bits in groups of seven bits."""
    number = int(number) & (1 << 64) - 1  # NumPy's numbers have too few bits
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def integer(field: int, number: int) -> bytes:
    return varint(field << 3) + varint(number)


def double(field: int, number: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", number)


def float32(field: int, number: float) -> bytes:
    return varint(field << 3 | 5) + struct.pack("<f", number)


def message(field: int, content: bytes | str) -> bytes:
    """Returns a field of bytes, of text, or of a message."""
    data = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(data)) + data


def doubles(field: int, numbers: Iterable[float]) -> bytes:
    values = list(numbers)
    return message(field, struct.pack(f"<{len(values)}d", *values))


def fields(data: bytes) -> list[tuple[int, int | float | bytes]]:
    """Returns the fields of a message: a number, or the bytes of what is longer.

    ValueError for what is no message.
    """
    found, at = [], 0
    while at < len(data):
        key, at = varint_at(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint_at(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value = struct.unpack_from("<d" if kind == 1 else "<f", data, at)[0]
            at += size
        elif kind == 2:
            size, at = varint_at(data, at)
            value = data[at:at + size]
            at += size
        else:
            raise ValueError(f"a field of kind {kind}")
        found.append((key >> 3, value))
    return found


def varint_at(data: bytes, at: int) -> tuple[int, int]:
    """Returns the number that begins at a place, and where it ends."""
    number = shift = 0
    while True:
        number |= (data[at] & 0x7F) << shift
        at += 1
        if not data[at - 1] & 0x80:
            return number, at
        shift += 7
