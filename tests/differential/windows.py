"""Windows over images: how their arguments are drawn, and TensorFlow's call."""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf  # noqa: E402

FLOATS = ["float32", "float64"]


def window(draft):
    return {"strides": [1, draft.rng.randint(1, 3), draft.rng.randint(1, 3), 1],
            "padding": draft.rng.choice(["SAME", "VALID"])}


def image(draft):
    there = draft.known(FLOATS, lambda shape: len(shape) == 4)
    if there and draft.rng.random() < 0.5:
        return draft.rng.choice(there)
    return draft.new(draft.dtype(FLOATS), [draft.rng.randint(1, 2), draft.rng.randint(1, 6),
                                           draft.rng.randint(1, 6), draft.rng.randint(1, 3)])


def conv2d(draft):
    # Some of so many multiplications that they are not products over patches.
    large = draft.rng.random() < 0.1
    x = draft.new(draft.dtype(FLOATS), [2, 7, 9, 32]) if large else image(draft)
    filter_ = [draft.rng.randint(1, 3), draft.rng.randint(1, 3), draft.shape(x)[3],
               draft.rng.choice([17, 32]) if large else draft.rng.randint(1, 3)]
    return [x, draft.of(draft.dtype_of(x), filter_)], window(draft)


def pool(draft):
    ksize = [1, draft.rng.randint(1, 3), draft.rng.randint(1, 3), 1]
    return [image(draft)], {"ksize": ksize} | window(draft)


def conv2d_transpose(draft):
    """Of what a convolution makes of images of the drawn shape."""
    rng = draft.rng
    shape = [rng.randint(1, 2), rng.randint(1, 6), rng.randint(1, 6), rng.randint(1, 3)]
    attrs = window(draft)
    filter_ = [rng.randint(1, 3), rng.randint(1, 3), shape[3], rng.randint(1, 3)]
    sides = []
    for side, size, stride in zip(shape[1:3], filter_, attrs["strides"][1:3]):
        sides.append(side if attrs["padding"] == "SAME" else max(side - size + 1, 0))
        sides[-1] = -(-sides[-1] // stride)
    value = draft.of(draft.dtype(FLOATS), [shape[0]] + sides + [filter_[3]])
    return [value, draft.of(draft.dtype_of(value), filter_)], {"output_shape": shape} | attrs


def depthwise(draft):
    rng = draft.rng
    x = draft.new(draft.dtype(FLOATS), [rng.randint(1, 2), rng.randint(1, 6), rng.randint(1, 6),
                                        rng.randint(1, 3)])
    filter_ = [rng.randint(1, 3), rng.randint(1, 3), draft.shape(x)[3], rng.randint(1, 2)]
    stride = rng.randint(1, 3)  # TensorFlow has equal ones alone
    return [x, draft.of(draft.dtype_of(x), filter_)], {
        "strides": [1, stride, stride, 1], "padding": rng.choice(["SAME", "VALID"])}


def pool_with_places(draft):
    rng = draft.rng
    x = draft.new(draft.dtype(FLOATS), [rng.randint(1, 2), rng.randint(1, 6), rng.randint(1, 6),
                                        rng.randint(1, 3)], style="usual")
    return [x], {"ksize": [1, rng.randint(1, 3), rng.randint(1, 3), 1],
                 "strides": [1, rng.randint(1, 3), rng.randint(1, 3), 1],
                 "padding": rng.choice(["SAME", "VALID"])}


def places(draft):
    inputs, attrs = pool_with_places(draft)
    return inputs, attrs | {"batch": draft.rng.random() < 0.5}


OPS = {"nn.conv2d": conv2d, "nn.conv2d_transpose": conv2d_transpose, "nn.max_pool": pool,
       "nn.avg_pool": pool, "nn.depthwise_conv2d": depthwise,
       "max_pool_with_argmax": pool_with_places, "max_pool_with_argmax.argmax": places}


def max_pool(x, **window):
    return tf.compat.v1.nn.max_pool_with_argmax(x, **window)[0]


def argmax(x, batch, **window):
    return tf.compat.v1.nn.max_pool_with_argmax(x, include_batch_in_index=batch, **window)[1]


CALLS = {"max_pool_with_argmax": max_pool, "max_pool_with_argmax.argmax": argmax}
