"""FarmHash's Fingerprint64: the number of a text that string_to_hash_bucket_fast and tables have."""

from __future__ import annotations

_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
_ALL = (1 << 64) - 1


def _at(text: bytes, place: int, size: int = 8) -> int:
    return int.from_bytes(text[place:place + size], "little")


def _turned(x: int, by: int) -> int:
    x &= _ALL
    return (x >> by | x << (64 - by)) & _ALL


def _mixed(x: int) -> int:
    x &= _ALL
    return x ^ x >> 47


def _of_two(u: int, v: int, factor: int) -> int:
    a = _mixed((u ^ v) * factor)
    b = _mixed(((v & _ALL) ^ a) * factor)
    return b * factor & _ALL


def fingerprint(text: bytes) -> int:
    """Returns the number of a text, of 64 bits."""
    size = len(text)
    if size > 64:
        return _of_long(text)
    if size > 32:
        return _of_33(text)
    factor = _K2 + size * 2
    if size > 16:
        a, b = _at(text, 0) * _K1, _at(text, 8)
        c, d = _at(text, size - 8) * factor, _at(text, size - 16) * _K2
        return _of_two(_turned(a + b, 43) + _turned(c, 30) + d & _ALL,
                       a + _turned(b + _K2, 18) + c & _ALL, factor)
    if size >= 8:
        a, b = _at(text, 0) + _K2, _at(text, size - 8)
        c = _turned(b, 37) * factor + a
        return _of_two(c & _ALL, (_turned(a, 25) + b) * factor & _ALL, factor)
    if size >= 4:
        return _of_two(size + (_at(text, 0, 4) << 3), _at(text, size - 4, 4), factor)
    if size:
        y = text[0] + (text[size >> 1] << 8)
        z = size + (text[-1] << 2)
        return _mixed((y * _K2 ^ z * _K0) & _ALL) * _K2 & _ALL
    return _K2


def _of_33(text: bytes) -> int:
    """Of 33 to 64 bytes."""
    size = len(text)
    factor = _K2 + size * 2
    a, b = _at(text, 0) * _K2, _at(text, 8)
    c, d = _at(text, size - 8) * factor, _at(text, size - 16) * _K2
    y = _turned(a + b, 43) + _turned(c, 30) + d & _ALL
    z = _of_two(y, a + _turned(b + _K2, 18) + c & _ALL, factor)
    e, f = _at(text, 16) * factor, _at(text, 24)
    g, h = (y + _at(text, size - 32)) * factor, (z + _at(text, size - 24)) * factor
    return _of_two(_turned(e + f, 43) + _turned(g, 30) + h & _ALL,
                   e + _turned(f + a, 18) + g & _ALL, factor)


def _weak(text: bytes, place: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_at(text, place + 8 * i) for i in range(4))
    a += w
    b = _turned(b + a + z, 21)
    c = a
    a += x + y
    b += _turned(a, 44)
    return a + z & _ALL, b + c & _ALL


def _of_long(text: bytes) -> int:
    """Of more than 64 bytes."""
    left = len(text) - 1 & 63
    y = 81 * _K1 + 113 & _ALL
    z = _mixed(y * _K2 + 113) * _K2 & _ALL
    x = 81 * _K2 + _at(text, 0) & _ALL
    v, w = (0, 0), (0, 0)
    for place in range(0, (len(text) - 1) // 64 * 64, 64):
        x, y, z, v, w = _step(text, place, x, y, z, v, w, _K1, 1)
    factor = _K1 + ((z & 0xFF) << 1)
    w = w[0] + left & _ALL, w[1]
    v = v[0] + w[0] & _ALL, v[1]
    w = w[0] + v[0] & _ALL, w[1]
    x, y, z, v, w = _step(text, len(text) - 64, x, y, z, v, w, factor, 9)
    return _of_two(_of_two(v[0], w[0], factor) + _mixed(y) * _K0 + z & _ALL,
                   _of_two(v[1], w[1], factor) + x & _ALL, factor)


def _step(text: bytes, place: int, x: int, y: int, z: int, v: tuple[int, int], w: tuple[int, int],
          factor: int, times: int) -> tuple[int, int, int, tuple[int, int], tuple[int, int]]:
    x = _turned(x + y + v[0] + _at(text, place + 8), 37) * factor & _ALL
    y = _turned(y + v[1] + _at(text, place + 48), 42) * factor & _ALL
    x ^= w[1] * times & _ALL
    y = y + v[0] * times + _at(text, place + 40) & _ALL
    z = _turned(z + w[0], 33) * factor & _ALL
    v = _weak(text, place, v[1] * factor, x + w[0])
    w = _weak(text, place + 32, z + w[1], y + _at(text, place + 16))
    return z, y, x, v, w
