"""What looks at the bits or the order of elements: how its arguments are drawn, and
TensorFlow's call."""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf  # noqa: E402

FLOATS = ["float32", "float64"]
BITS = ["int32", "int64", "uint8"]


def bits(draft):
    x = draft.any(BITS)
    return [x, draft.of(draft.dtype_of(x), draft.broadcast(draft.shape(x)))], {}


def bits_of_one(draft):
    return [draft.any(BITS)], {}


def sort(draft):
    x = draft.any(FLOATS, low=1)
    return [x], {"axis": draft.axis(len(draft.shape(x))),
                 "direction": draft.rng.choice(["ASCENDING", "DESCENDING"])}


def searchsorted(draft):
    rng = draft.rng
    outer, n, m = draft.dims(0, 2), rng.randint(1, 5), rng.randint(1, 4)
    dtype = draft.dtype(["float32", "float64", "int32", "int64"])
    rows = draft.new(dtype, outer + [n], style="usual")
    data = draft.program["inputs"][rows]["data"]
    for start in range(0, len(data), n):
        data[start:start + n] = sorted(data[start:start + n])
    return [rows, draft.new(dtype, outer + [m], style="usual")], {
        "side": rng.choice(["left", "right"])}


def setdiff1d(draft):
    x = draft.any(["float32", "int32", "int64"], low=1, high=1)
    return [x, draft.new(draft.dtype_of(x), [draft.rng.randint(0, 5)], style="usual")], {}


OPS = (dict.fromkeys(["bitwise.bitwise_and", "bitwise.bitwise_or", "bitwise.bitwise_xor",
                      "bitwise.left_shift", "bitwise.right_shift"], bits)
       | {"bitwise.invert": bits_of_one, "sort": sort, "searchsorted": searchsorted,
          "setdiff1d": setdiff1d})


# Its results have no known shape: a number that both are in.
def setdiff1d_sum(x, y):
    out, places_of = tf.compat.v1.setdiff1d(x, y)
    return tf.reduce_sum(tf.cast(out, tf.float64) * tf.cast(places_of + 1, tf.float64))


CALLS = {"sort": lambda x, axis, direction: tf.sort(x, axis, direction),
         "searchsorted": lambda rows, x, side: tf.searchsorted(rows, x, side),
         "setdiff1d": setdiff1d_sum}
