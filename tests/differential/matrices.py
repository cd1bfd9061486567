"""What sees matrices or volumes in a tensor: how its arguments are drawn, and TensorFlow's call."""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf  # noqa: E402

FLOATS = ["float32", "float64"]
NUMBERS = FLOATS + ["int32", "int64", "uint8"]


def matrix(draft, rows, columns=None):
    """A new one, whose diagonal is large, positive and without equals: symmetric when square."""
    columns = rows if columns is None else columns
    batch = draft.dims(0, 1)
    name = draft.new(draft.dtype(FLOATS), batch + [rows, columns], style="usual")
    data = draft.program["inputs"][name]["data"]
    for at in range(len(data)):
        row, column = at // columns % rows, at % columns
        if row == column:
            data[at] = 9.0 + 4 * row + data[at] / 16
        elif rows == columns and row > column:
            start = at - row * columns - column
            data[at] = data[start + column * columns + row]
    return name


def square(draft):
    return [matrix(draft, draft.rng.choice([0, 1, 2, 3, 4]))], {}


def any_matrix(draft):
    return [matrix(draft, draft.rng.randint(1, 4), draft.rng.randint(1, 4))], {}


def full_or_not(draft):
    inputs, _ = any_matrix(draft)
    return inputs, {"full": draft.rng.random() < 0.3}


def solve(draft):
    x = matrix(draft, draft.rng.randint(1, 4))
    shape = draft.shape(x)
    sides = draft.new(draft.dtype_of(x), shape[:-1] + [draft.rng.randint(1, 3)], style="usual")
    return [x, sides], {"adjoint": draft.rng.random() < 0.5}


def band_part(draft):
    x = draft.any(NUMBERS + ["bool"], low=2)
    rows, columns = draft.shape(x)[-2:]
    return [x], {"num_lower": draft.rng.randint(-1, max(rows - 1, 0)),
                 "num_upper": draft.rng.randint(-1, max(columns - 1, 0))}


def argsort(draft):
    x = draft.any(["float32", "float64", "int32"], low=1)
    return [x], {"axis": draft.axis(len(draft.shape(x))),
                 "direction": draft.rng.choice(["ASCENDING", "DESCENDING"])}


def window(draft):
    return {"strides": [1] + [draft.rng.randint(1, 3) for _ in range(3)] + [1],
            "padding": draft.rng.choice(["SAME", "VALID"])}


def sizes(draft, most):
    return [draft.rng.randint(1, most) for _ in range(3)]


def volume(draft, among=FLOATS):
    return draft.new(draft.dtype(among), [draft.rng.randint(1, 2)] + sizes(draft, 4) +
                     [draft.rng.randint(1, 3)])


def without_gaps(attrs, size):
    """Where windows leave gaps, SAME moves them in TensorFlow's ops of volumes, which it does not do
    in those of images."""
    attrs["strides"][1:4] = [min(pair) for pair in zip(size, attrs["strides"][1:4])]
    return attrs


def conv3d(draft):
    x = volume(draft)
    size = sizes(draft, 3)
    filter_ = size + [draft.shape(x)[4], draft.rng.randint(1, 3)]
    return [x, draft.of(draft.dtype_of(x), filter_)], without_gaps(window(draft), size)


def conv3d_transpose(draft):
    shape = [draft.rng.randint(1, 2)] + sizes(draft, 4) + [draft.rng.randint(1, 3)]
    size = [min(pair) for pair in zip(sizes(draft, 3), shape[1:4])]
    attrs = without_gaps(window(draft), size)
    filter_ = size + [shape[4], draft.rng.randint(1, 3)]
    sides = []
    for side, size, stride in zip(shape[1:4], filter_, attrs["strides"][1:4]):
        side = side if attrs["padding"] == "SAME" else side - size + 1
        sides.append(-(-side // stride))
    value = draft.of(draft.dtype(FLOATS), [shape[0]] + sides + [filter_[4]])
    return [value, draft.of(draft.dtype_of(value), filter_)], {"output_shape": shape} | attrs


def pool3d(draft):
    ksize = sizes(draft, 3)  # of float32: TensorFlow has no other kernel
    return [volume(draft, ["float32"])], {"ksize": [1] + ksize + [1]} | without_gaps(
        window(draft), ksize)


OPS = {"linalg.inv": square, "linalg.det": square, "linalg.cholesky": square,
       "linalg.solve": solve, "linalg.band_part": band_part, "linalg.eigvalsh": square,
       "eigenvectors": square, "singular_values": any_matrix, "svd.s": full_or_not,
       "svd.u": full_or_not, "svd.v": full_or_not, "qr.q": full_or_not, "qr.r": full_or_not, "argsort": argsort, "nn.conv3d": conv3d,
       "nn.conv3d_transpose": conv3d_transpose, "nn.max_pool3d": pool3d, "nn.avg_pool3d": pool3d}


# Of vectors whose signs are anybody's choice, what does not depend on them.
def eigenvectors(x):
    values, vectors = tf.linalg.eigh(x)
    return tf.square(vectors) + tf.expand_dims(values, -1)


CALLS = {"eigenvectors": eigenvectors,
         "svd.s": lambda x, full=False: tf.linalg.svd(x, full)[0],
         "svd.u": lambda x, full=False: tf.square(tf.linalg.svd(x, full)[1]),
         "svd.v": lambda x, full=False: tf.square(tf.linalg.svd(x, full)[2]),
         "singular_values": lambda x: tf.linalg.svd(x, compute_uv=False),
         "qr.q": lambda x, full=False: tf.square(tf.linalg.qr(x, full)[0]),
         "qr.r": lambda x, full=False: tf.square(tf.linalg.qr(x, full)[1]),
         "argsort": lambda x, axis, direction: tf.argsort(x, axis, direction, stable=True),
         "nn.conv3d_transpose": lambda value, filter_, output_shape, **window:
             tf.compat.v1.nn.conv3d_transpose(value, filter_, output_shape, **window)}
