"""A program's ops as calls of TensorFlow; the names and attributes are those of op_calls.cc."""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import matrices  # noqa: E402
import orders  # noqa: E402
import tensorflow as tf  # noqa: E402
import windows  # noqa: E402

v1 = tf.compat.v1
v1.disable_eager_execution()
v1.enable_resource_variables()
# Version 2's loops need the rewriter, which answer.py does without.
v1.disable_control_flow_v2()
KEYWORDS = {"nn.softmax_cross_entropy_with_logits_v2", "nn.sigmoid_cross_entropy_with_logits",
            "nn.sparse_softmax_cross_entropy_with_logits"}
LISTS = {"add_n", "concat", "stack"}


def control_cond(x):
    """Squares where the sum is positive, else three times x."""
    return v1.cond(tf.reduce_sum(x) > 0, lambda: tf.square(x), lambda: x * 3)


def control_power(x, rounds):
    """x to the power of rounds, by multiplications."""
    return v1.while_loop(lambda i, y: i < rounds, lambda i, y: [i + 1, y * x],
                         [0, tf.ones_like(x)])[1]


def control_nested(x, rounds):
    """Each round takes the cube of what is below 1.5 on average, else its sine."""
    def step(i, y):
        return [i + 1, v1.cond(tf.reduce_mean(y) < 1.5, lambda: control_power(y, 3) * x,
                               lambda: tf.sin(y))]
    return v1.while_loop(lambda i, y: i < rounds, step, [0, tf.identity(x)])[1]


def control_sums(x):
    """Running sums of the rows, squared at each step."""
    rows = tf.shape(x)[0]
    outputs = tf.TensorArray(x.dtype, rows)

    def step(i, total, array):
        total = tf.square(total) * 0.5 + tf.gather(x, i)
        return [i + 1, total, array.write(i, total)]
    zero = tf.reduce_sum(x, 0) * 0
    return v1.while_loop(lambda i, *_: i < rows, step, [0, zero, outputs])[2].stack()


# What is called otherwise than TensorFlow's function of the name.
SPECIAL = {
    "control.cond": control_cond,
    "control.power": control_power,
    "control.nested": control_nested,
    "control.sums": control_sums,
    "reshape_to": lambda x, shape: tf.reshape(x, tf.identity(tf.constant(shape, tf.int32))),
    "tile_by": lambda x, multiples: tf.tile(x, tf.identity(tf.constant(multiples, tf.int32))),
    "strided_slice": lambda x, begin, end, strides, **masks: tf.strided_slice(
        x, begin, end, strides, **{f"{k}mask": v for k, v in masks.items()}),
    "clip_by_global_norm": lambda x, norm: v1.clip_by_global_norm([x], norm)[0][0],
    "top_k": lambda x, k: tf.nn.top_k(x, k)[0],
    "top_k.indices": lambda x, k: tf.nn.top_k(x, k)[1],
    "in_top_k": v1.nn.in_top_k,
    "fill": lambda x, dims: tf.fill(tf.constant(dims, tf.int64), x),
    "broadcast_to": lambda x, shape: tf.broadcast_to(x, tf.constant(shape, tf.int64)),
    "range_of": lambda x, fixed: tf.range(fixed[0], fixed[0] + tf.size(x) * fixed[1], fixed[1]),
    "where_sum": lambda x: tf.reduce_sum(tf.where(x)),
    "unique": lambda x: tf.gather(*tf.unique(x)),
    "unique.idx": lambda x: tf.unique(x)[1],
    "unsorted_segment_sum": lambda x, ids, fixed: tf.math.unsorted_segment_sum(x, ids, fixed),
    "scatter_nd": lambda indices, updates, shape: tf.scatter_nd(
        indices, updates, tf.cast(shape, indices.dtype)),
} | matrices.CALLS | orders.CALLS | windows.CALLS


def call(op, inputs, attrs):
    if op in SPECIAL:
        return SPECIAL[op](*inputs, **attrs)
    function = v1
    for part in op.split("."):
        function = getattr(function, part)
    given = {k: v for k, v in attrs.items() if k != "kw"}
    if op in LISTS:
        return function(inputs, **given)
    if op in KEYWORDS:
        return function(**dict(zip(attrs["kw"], inputs)), **given)
    return function(*inputs, **given)
