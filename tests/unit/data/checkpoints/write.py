"""Writes numpy.npz, twice.npz, tf2.ckpt and dtypes.ckpt beside itself, with NumPy and TensorFlow."""
import io
import pathlib
import warnings
import zipfile

import ml_dtypes
import numpy as np
import tensorflow as tf

FOLDER = pathlib.Path(__file__).parent


def numpy_arrays():
    """Every dtype that is read, in both byte orders and both orders of elements, and others."""
    arrays = {}
    for dtype in ("f4", "f8", "i4", "i8", "i2", "u2", "u4", "f2", "u1", "i1", "b1", "u8"):
        values = np.arange(6).reshape(2, 3)
        if dtype[0] == "i":
            values = -values
        for name, order in (("le", "<"), ("be", ">")):
            array = (values % 2 if dtype == "b1" else values).astype(order + dtype)
            arrays[dtype + name] = array
            arrays[dtype + name + "_fortran"] = np.asfortranarray(array)
    # A dtype that NumPy does not know: ml_dtypes, of JAX and TensorFlow, brings it.
    arrays["V2le"] = np.arange(6).reshape(2, 3).astype(ml_dtypes.bfloat16)
    arrays["V2le_fortran"] = np.asfortranarray(arrays["V2le"])
    # What is left of it when a program without ml_dtypes reads and writes it.
    arrays["V2plain"] = arrays["V2le"].view("V2")
    arrays["cube_fortran"] = np.asfortranarray(np.arange(24, dtype=">i4").reshape(2, 3, 4))
    arrays["u4_large"] = np.uint32([0xFFFFFFFF])
    arrays["scalar"] = np.array(1.5, ">f8")
    arrays["object"] = np.array({"lr": 1}, dtype=object)
    arrays["c8"] = np.complex64([1j])
    arrays["text"] = np.array(["ab"])
    arrays["record"] = np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4", (2,))])
    arrays["time"] = np.array(["2020-01-01"], dtype="datetime64[D]")
    return arrays


def every_dtype():
    """What tf.train.Saver writes of variables of every dtype: one whole, one in two slices."""
    values = np.arange(6).reshape(3, 2)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name in ("float32", "float64", "int32", "int64", "bool", "uint8", "float16", "bfloat16",
                     "int8", "int16", "uint16", "uint32", "uint64"):
            numbers = values % 2 if name == "bool" else values if name[0] == "u" else -values
            value = tf.cast(tf.constant(numbers), name)
            tf.Variable(value, name=name)
            for part in range(2):
                sliced = tf.Variable(value[:, part:part + 1], name=f"{name}_part{part}")
                sliced._set_save_slice_info(tf.Variable.SaveSliceInfo(
                    f"sliced/{name}", [3, 2], [0, part], [3, 1]))
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(FOLDER / "dtypes.ckpt"),
                                        write_meta_graph=False, write_state=False)


def main():
    every_dtype()
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
