"""digit_files.py FOLDER...: writes MNIST's four files, made of the project's own digits, 28 x 28 pixels
each."""

import gzip
import pathlib
import struct
import sys

import numpy as np

DIGITS = pathlib.Path(__file__).parents[2] / "client" / "examples" / "data" / "digits.csv.gz"
TEST = 300


def digits():
    """Images of bytes, [n, 28, 28], and labels, in a fixed order."""
    table = np.loadtxt(DIGITS, delimiter=",", dtype=np.float64)
    table = table[np.random.RandomState(7).permutation(len(table))]
    small = table[:, :64].reshape(-1, 8, 8) * (255 / 16)
    large = np.kron(small, np.ones((1, 3, 3)))
    return np.pad(large, ((0, 0), (2, 2), (2, 2))).astype(np.uint8), table[:, 64].astype(np.uint8)


def idx(array):
    """A file of MNIST's format."""
    head = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.tobytes(), mtime=0)


def write(folder):
    """Writes the four files."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = digits()
    for name, part in (("train", slice(TEST, None)), ("t10k", slice(0, TEST))):
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(idx(images[part]))
        (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(idx(labels[part]))


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        write(argument)
