"""A program's ops as calls of TensorFlow; the names and attributes are those of op_calls.cc."""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import tensorflow as tf  # noqa: E402

v1 = tf.compat.v1
v1.disable_eager_execution()
v1.enable_resource_variables()
KEYWORDS = {"nn.softmax_cross_entropy_with_logits_v2", "nn.sigmoid_cross_entropy_with_logits",
            "nn.sparse_softmax_cross_entropy_with_logits"}
LISTS = {"add_n", "concat", "stack"}


def call(op, inputs, attrs):
    function = v1
    for part in op.split("."):
        function = getattr(function, part)
    given = {k: v for k, v in attrs.items() if k != "kw"}
    if op in LISTS:
        return function(inputs, **given)
    if op in KEYWORDS:
        return function(**dict(zip(attrs["kw"], inputs)), **given)
    return function(*inputs, **given)
