"""Writes what the fuzzers of checkpoints begin with: files of NumPy's, TensorFlow's (those of
tests/unit/data/checkpoints) and of our own making, whole and in parts, and files that once did harm.

    python3 tests/fuzz/seeds.py            # into tests/fuzz/corpus; needs numpy
"""

import io
import json
import struct
import zipfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
CHECKPOINTS = HERE.parent / "unit/data/checkpoints"


def write(target: str, name: str, data: bytes) -> None:
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def with_length(data: bytes) -> bytes:
    return struct.pack("<H", len(data)) + data


def safetensors(tensors: dict) -> tuple[bytes, bytes]:
    """The header and the tensors' bytes of `tensors`: name to (dtype, shape, bytes)."""
    header, body = {"__metadata__": {"by": "seeds"}}, b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    return json.dumps(header).encode(), body


def write_safetensors() -> None:
    kinds = {
        "floats": {"a": ("F32", [2, 2], bytes(16)), "b": ("F64", [], bytes(8)), "c": ("BF16", [3], bytes(6))},
        "integers": {"a": ("I64", [1], bytes(8)), "b": ("U8", [0, 3], b""), "c": ("BOOL", [2], b"\0\1")},
        "others": {"a": ("F8_E4M3", [4], bytes(4)), "b": ("F4", [4], bytes(2)), "c": ("C64", [1], bytes(8))},
    }
    for name, tensors in kinds.items():
        header, body = safetensors(tensors)
        write("safetensors", name, struct.pack("<Q", len(header)) + header + body)
        write("safetensors", name + "-parts", b"\1" + with_length(header) + body)


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def write_npz() -> None:
    arrays = {
        "c": np.arange(6, dtype="<f4").reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6, dtype="<i8").reshape(2, 3)),
        "big-endian": np.arange(4, dtype=">f8"),
        "big-endian-fortran": np.asfortranarray(np.arange(6, dtype=">i2").reshape(3, 2)),
        "scalar": np.array(True),
        "empty": np.zeros((0, 3), "<f2"),
        "words": np.array(["a", "b"]),
    }
    for name, array in arrays.items():
        write("npz", name + "-stored", b"\1" + npy(array))
        write("npz", name + "-deflated", b"\2" + npy(array))
    for function in (np.savez, np.savez_compressed):
        out = io.BytesIO()
        function(out, **{name: arrays[name] for name in ("c", "fortran", "big-endian")})
        write("npz", function.__name__, b"\0" + out.getvalue())
    write("npz", "header", b"\3{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }")
    write("npz", "header-of-a-struct", b"\3{'descr': [('a', '<f4', (2,))], 'fortran_order': True, 'shape': (2L,)}")
    write("npz", "claims-1-gib", b"\0" + claim(1 << 28))


def claim(elements: int) -> bytes:
    """An archive that says of a short member that it has so many float32."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({elements},), }}".ljust(117) + "\n"
    member = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", member + bytes(16))
    data = out.getvalue()
    place = data.index(b"PK\1\2") + 24  # of the length in the directory
    return data[:place] + struct.pack("<I", len(member) + 4 * elements) + data[place + 4 :]


def field(number: int, value: int | bytes) -> bytes:
    """Of a protobuf message."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def shape(dims: list[int]) -> bytes:
    return b"".join(field(2, field(1, dim)) for dim in dims)


def entry(dims: list[int], offset: int, size: int, dtype: int = 1) -> bytes:
    return field(1, dtype) + field(2, shape(dims)) + field(4, offset) + field(5, size)


def slice_of(extents: list[tuple[int, int]]) -> bytes:
    return b"".join(field(1, field(1, start) + field(2, length)) for start, length in extents)


def slice_key(name: bytes, extents: list[tuple[int, int]]) -> bytes:
    """TensorFlow's ordered code of a slice; the numbers are below 64."""
    numbers = b"".join(bytes([0x80 | start, 0x80 | length]) for start, length in extents)
    return b"\0" + name + b"\0\1" + b"\1" + bytes([len(extents)]) + numbers


def bundle(entries: dict[bytes, bytes], data: bytes) -> bytes:
    parts = b"".join(with_length(key) + with_length(value) for key, value in entries.items())
    return b"\1" + parts + b"\0\0" + data


def footer(offset: int, size: int) -> bytes:
    """Of an index whose block of entries is said to be there."""
    handles = varint(0) + varint(8) + varint(offset) + varint(size)
    return handles.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def block_of(handle: bytes) -> bytes:
    """Of one entry, whose value is this, with its type and checksum."""
    block = varint(0) + varint(1) + varint(len(handle)) + b"a" + handle + struct.pack("<II", 0, 1) + b"\0"
    crc = crc32c(block)
    return block + struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def write_bundles() -> None:
    for index in sorted(CHECKPOINTS.glob("*.index")):
        data = index.with_suffix(".data-00000-of-00001").read_bytes()
        write("bundle", index.stem, b"\0" + with_length(index.read_bytes()) + data)
    write("bundle", "two", bundle({b"a": entry([2], 0, 8), b"b": entry([], 8, 8, 2)}, bytes(16)))
    halves = [[(0, 1)], [(1, 1)]]
    sliced = {slice_key(b"w", half): entry([1], 4 * i, 4) for i, half in enumerate(halves)}
    whole = field(1, 1) + field(2, shape([2])) + b"".join(field(7, slice_of(half)) for half in halves)
    write("bundle", "sliced", bundle({**sliced, b"w": whole}, bytes(8)))
    # One short slice, of a tensor of 4 GiB.
    huge = field(1, 1) + field(2, shape([1 << 30])) + field(7, slice_of(halves[0]))
    write("bundle", "claims-4-gib", bundle({slice_key(b"w", halves[0]): entry([1], 0, 4), b"w": huge}, bytes(4)))
    # Blocks that are not in the file, of sizes to which LevelDB adds 5.
    for name, size in {"wraps": 2**64 - 5, "wraps-to-1": 2**64 - 4, "64-tib": 2**46, "1-tib": 2**40}.items():
        write("bundle", "footer-" + name, b"\0" + with_length(bytes(64) + footer(16, size)))
        block = block_of(varint(0) + varint(size))
        write("bundle", "block-" + name, b"\0" + with_length(bytes(64) + block + footer(64, len(block) - 5)))


if __name__ == "__main__":
    write_safetensors()
    write_npz()
    write_bundles()
