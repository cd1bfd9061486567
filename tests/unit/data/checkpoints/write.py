"""Writes numpy.npz, twice.npz and tf2.ckpt beside itself, with NumPy and TensorFlow 2."""
import io
import pathlib
import warnings
import zipfile

import numpy as np
import tensorflow as tf

FOLDER = pathlib.Path(__file__).parent


def numpy_arrays():
    """Every dtype that is read, in both byte orders and both orders of elements, and others."""
    arrays = {}
    for dtype in ("f4", "f8", "i4", "i8", "i2", "u2", "u4", "f2", "u1", "i1", "b1"):
        values = np.arange(6).reshape(2, 3)
        if dtype in ("i1", "i2"):
            values = -values
        for name, order in (("le", "<"), ("be", ">")):
            array = (values % 2 if dtype == "b1" else values).astype(order + dtype)
            arrays[dtype + name] = array
            arrays[dtype + name + "_fortran"] = np.asfortranarray(array)
    arrays["cube_fortran"] = np.asfortranarray(np.arange(24, dtype=">i4").reshape(2, 3, 4))
    arrays["u4_large"] = np.uint32([0xFFFFFFFF])
    arrays["scalar"] = np.array(1.5, ">f8")
    arrays["object"] = np.array({"lr": 1}, dtype=object)
    arrays["u8"] = np.uint64([1])
    arrays["c8"] = np.complex64([1j])
    arrays["text"] = np.array(["ab"])
    arrays["record"] = np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4", (2,))])
    arrays["time"] = np.array(["2020-01-01"], dtype="datetime64[D]")
    return arrays


def main():
    np.savez_compressed(FOLDER / "numpy.npz", **numpy_arrays())
    warnings.simplefilter("ignore")
    with zipfile.ZipFile(FOLDER / "twice.npz", "w") as archive:
        for value in (1, 2):
            array = io.BytesIO()
            np.save(array, np.float32([value]))
            archive.writestr("w.npy", array.getvalue())
    checkpoint = tf.train.Checkpoint(
        w=tf.Variable([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), n=tf.Variable(7, dtype=tf.int64),
        c=tf.Variable([1 + 2j], dtype=tf.complex64), small=tf.Variable([-3, 4], dtype=tf.int8))
    checkpoint.write(str(FOLDER / "tf2.ckpt"))


if __name__ == "__main__":
    main()
