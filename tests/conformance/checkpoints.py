"""Does the software that a checkpoint is for read what varscope writes?

Usage: checkpoints.py BIN_DIRECTORY, with tensorflow, numpy and safetensors from PyPI. Trains a
little on a real server, adds variables of every dtype, exports in each format, compares what
TensorFlow, NumPy and safetensors read with each other; then has varscope import what TensorFlow writes.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import ml_dtypes
import numpy as np
import safetensors.numpy
import tensorflow as tf

CHECKPOINTS = pathlib.Path(__file__).parent.parent / "unit/data/checkpoints"


def main(binaries):
    with tempfile.TemporaryDirectory() as folder:
        ready, written = os.pipe()
        server = subprocess.Popen(
            [f"{binaries}/varscoped", "--listen", "127.0.0.1:0", "--ready-fd", str(written)],
            pass_fds=[written])
        try:
            os.close(written)
            target = "127.0.0.1:" + os.fdopen(ready).readline().strip()
            check(binaries, target, folder)
        finally:
            server.terminate()
            server.wait()


def check(binaries, target, folder):
    def ctl(*arguments):
        subprocess.run([f"{binaries}/varscopectl", "--target", target, *arguments], check=True)

    subprocess.run([f"{binaries}/varscope_quickstart", target], check=True)
    # Variables of every dtype.
    ctl("import", f"{CHECKPOINTS}/dtypes.ckpt", "--create")
    for name in ("m.ckpt", "m.npz", "m.safetensors"):
        ctl("export", f"{folder}/{name}")
    reader = tf.train.load_checkpoint(f"{folder}/m.ckpt")
    bundle = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    # NumPy has no bfloat16; who has ml_dtypes' looks at the bytes as that.
    arrays = {name: array.view(ml_dtypes.bfloat16) if array.dtype == "V2" else array
              for name, array in np.load(f"{folder}/m.npz").items()}
    tensors = safetensors.numpy.load_file(f"{folder}/m.safetensors")
    assert bundle.keys() == arrays.keys() == tensors.keys(), (bundle.keys(), arrays.keys())
    assert "model/w/Adam_1" in bundle
    theirs = tf.train.load_checkpoint(f"{CHECKPOINTS}/dtypes.ckpt")
    dtypes = theirs.get_variable_to_dtype_map()
    assert len(set(dtypes.values())) == 13
    for name in dtypes:
        assert bundle[name].dtype == dtypes[name], name
        # The same is there in slices, which TensorFlow's reader does not join for every dtype.
        whole = theirs.get_tensor(name.removeprefix("sliced/"))
        assert np.array_equal(bundle[name], whole), name
    for name, value in bundle.items():
        for other in (arrays[name], tensors[name]):
            assert value.dtype == other.dtype and np.array_equal(value, other), name

    tf.compat.v1.disable_eager_execution()
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        w = tf.compat.v1.get_variable("model/w", initializer=np.float32([7, 8, 9]))
        session.run(w.initializer)
        tf.compat.v1.train.Saver().save(session, f"{folder}/theirs.ckpt")
    ctl("import", f"{folder}/theirs.ckpt")
    ctl("export", f"{folder}/back.npz", "--scope", "model/w", "--no-slots")
    assert np.array_equal(np.load(f"{folder}/back.npz")["model/w"], [7, 8, 9])
    print(f"{len(bundle)} tensors: TensorFlow, NumPy and safetensors agree")


if __name__ == "__main__":
    main(sys.argv[1])
