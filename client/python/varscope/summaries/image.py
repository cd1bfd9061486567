"""Images as PNG files."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

from varscope.summaries import wire

_COLOR_TYPES = {1: 0, 3: 2, 4: 6}


def pixels(image: np.ndarray) -> np.ndarray:
    """Returns bytes: floats from 0 to 1, or from -1 to 1, are spread over their range."""
    if image.dtype == np.uint8:
        return image
    numbers = np.where(np.isfinite(image), image, 0).astype(np.float64)
    low, high = float(numbers.min(initial=0)), float(numbers.max(initial=0))
    if low < 0:
        scale = 127.0 / max(abs(low), abs(high), 1e-30)
        return np.clip(numbers * scale + 128, 0, 255).astype(np.uint8)
    return np.clip(numbers * (255.0 / high if high > 0 else 0.0), 0, 255).astype(np.uint8)


def png(image: np.ndarray) -> bytes:
    """Returns the file of an image [y, x, channels] of bytes."""
    height, width, channels = image.shape
    rows = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(image))
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOR_TYPES[channels], 0, 0, 0)
    return b"".join([b"\x89PNG\r\n\x1a\n", _chunk(b"IHDR", head),
                     _chunk(b"IDAT", zlib.compress(rows)), _chunk(b"IEND", b"")])


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def image_message(image: Any) -> bytes:
    """Returns the message of an image [y, x, channels]."""
    encoded = png(pixels(np.asarray(image)))
    height, width, channels = np.shape(image)
    return b"".join([wire.integer(1, height), wire.integer(2, width), wire.integer(3, channels),
                     wire.message(4, encoded)])
