"""Calls of TensorFlow's ops, their results and gradients, for record.py."""
import numpy as np
import tensorflow as tf

v1 = tf.compat.v1


def tensor_json(value):
    value = np.asarray(value)
    return {"dtype": value.dtype.name, "shape": list(value.shape), "data": value.ravel().tolist()}


class OpCases:
    def __init__(self, seed):
        self.rng = np.random.RandomState(seed)
        self.cases = []

    def real(self, *shape, low=-2.0, high=2.0):
        return np.round(self.rng.uniform(low, high, shape), 3).astype(np.float32)

    def integers(self, *shape, below=5):
        return self.rng.randint(0, below, shape).astype(np.int32)

    def dims(self, rank):
        return [int(d) for d in self.rng.randint(1, 5, rank)]

    def case(self, op, inputs, **attrs):
        function = v1
        for part in op.split("."):
            function = getattr(function, part)
        with tf.Graph().as_default():
            placed = []
            feeds = {}
            for i, value in enumerate(inputs):
                placed.append(v1.placeholder(value.dtype, value.shape, f"input_{i}"))
                feeds[placed[-1]] = value
            call = {k: v for k, v in attrs.items() if k not in ("list", "kw")}
            if attrs.get("list"):
                y = function(placed, **call)
            elif "kw" in attrs:
                y = function(**dict(zip(attrs["kw"], placed)), **call)
            else:
                y = function(*placed, **call)
            case = {"op": op, "attrs": attrs, "inputs": [tensor_json(v) for v in inputs],
                    "name": y.op.name}
            with v1.Session() as session:
                case["output"] = tensor_json(session.run(y, feeds))
                if y.dtype.is_floating:
                    weights = self.real(*case["output"]["shape"], low=-1, high=1)
                    case["weights"] = tensor_json(weights)
                    case["gradients"] = {}
                    for i, x in enumerate(placed):
                        if not x.dtype.is_floating:
                            continue
                        gradient = v1.gradients(y * weights, x)[0]
                        if gradient is not None:
                            gradient = tensor_json(session.run(tf.convert_to_tensor(gradient),
                                                               feeds))
                        case["gradients"][f"input_{i}"] = gradient
        self.cases.append(case)

    def record(self):
        for op in ["add", "subtract", "multiply", "maximum", "minimum", "squared_difference"]:
            a, b, c = self.dims(3)
            for shapes in [[(a, b), (a, b)], [(a, b), (b,)], [(a, 1, b), (c, 1)], [(), (a,)],
                           [(0, b), (b,)]]:
                self.case(op, [self.real(*s) for s in shapes])
        a, b = self.dims(2)
        self.case("divide", [self.real(a, b), self.real(b, low=0.5)])
        self.case("pow", [self.real(a, b, low=0.2), self.real(b)])
        self.case("floordiv", [self.real(a, b), self.real(b, low=0.5)])
        self.case("add_n", [self.real(a, b) for _ in range(3)], list=True)
        for op in ["negative", "square", "exp", "tanh", "sigmoid", "sign", "abs", "floor",
                   "identity", "sin", "cos", "zeros_like", "ones_like", "stop_gradient",
                   "nn.relu", "nn.elu", "nn.softplus", "nn.leaky_relu", "nn.relu6", "nn.softmax",
                   "nn.log_softmax", "nn.selu"]:
            self.case(op, [self.real(*self.dims(self.rng.randint(1, 4)), low=-8, high=8)])
        for op in ["log", "sqrt", "rsqrt", "reciprocal", "log1p"]:
            self.case(op, [self.real(*self.dims(2), low=0.1)])
        self.case("clip_by_value", [self.real(a, b)], clip_value_min=-0.5, clip_value_max=1.0)
        m, k, n = self.dims(3)
        self.case("matmul", [self.real(m, k), self.real(k, n)])
        self.case("matmul", [self.real(k, m), self.real(k, n)], transpose_a=True)
        self.case("matmul", [self.real(m, k), self.real(n, k)], transpose_b=True)
        self.case("matmul", [self.real(k, m), self.real(n, k)], transpose_a=True, transpose_b=True)
        self.case("matmul", [self.real(3, m, k), self.real(3, k, n)])
        self.case("nn.bias_add", [self.real(a, b), self.real(b)])
        self.case("nn.bias_add", [self.real(a, m, k, b), self.real(b)])
        for op in ["sum", "mean", "max", "min", "prod", "logsumexp"]:
            shape = self.dims(3)
            for axis, keep in [(None, False), (0, False), ([1], True), (-1, False), ([0, 2], False),
                               ([-2, 0], True)]:
                self.case("reduce_" + op, [self.real(*shape)], axis=axis, keepdims=keep)
        for op in ["argmax", "argmin"]:
            for axis in [0, 1, -1]:
                self.case(op, [self.real(a, b)], axis=axis)
        for op in ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]:
            self.case(op, [self.integers(a, b), self.integers(a, b)])
            self.case(op, [self.real(a, b), self.real(b)])
        for dtypes in [("int32", "float32"), ("float32", "int32"), ("bool", "float32"),
                       ("int32", "int64"), ("float32", "float64")]:
            value = (self.real(a) if dtypes[0] == "float32"
                     else self.integers(a, below=2).astype(dtypes[0]))
            self.case("cast", [value], dtype=dtypes[1])
        self.case("where", [self.integers(a, b, below=2).astype(bool), self.real(a, b),
                            self.real(a, b)])
        self.case("reshape", [self.real(2 * a, b, 3)], shape=[2, -1, 3])
        self.case("transpose", [self.real(a, b, m)], perm=[2, 0, 1])
        self.case("transpose", [self.real(a, b)], perm=[1, 0])
        for axis in [0, 1, -1]:
            self.case("expand_dims", [self.real(a, b)], axis=axis)
        self.case("squeeze", [self.real(a, 1, b)], axis=[1])
        for axis in [0, 1, -1]:
            self.case("concat", [self.real(3, 2), self.real(3, 2)], list=True, axis=axis)
            self.case("stack", [self.real(3, 2), self.real(3, 2)], list=True, axis=axis)
        self.case("slice", [self.real(5, 6)], begin=[1, 2], size=[3, -1])
        self.case("tile", [self.real(a, b)], multiples=[3, 2])
        self.case("pad", [self.real(a, b)], paddings=[[0, 2], [1, 1]])
        self.case("gather", [self.real(5, a), self.integers(4)])
        self.case("gather", [self.real(5, a), self.integers(2, 3)])
        self.case("nn.embedding_lookup", [self.real(6, a), self.integers(2, 3)])
        self.case("one_hot", [self.integers(a)], depth=3)
        self.case("one_hot", [self.integers(a, b)], depth=6)
        labels = self.real(a, 4, low=0.1)
        labels /= labels.sum(axis=-1, keepdims=True)
        self.case("nn.softmax_cross_entropy_with_logits_v2", [labels, self.real(a, 4)],
                  kw=["labels", "logits"])
        self.case("nn.sparse_softmax_cross_entropy_with_logits",
                  [self.integers(a, below=4), self.real(a, 4)], kw=["labels", "logits"])
        self.case("nn.sigmoid_cross_entropy_with_logits",
                  [self.real(a, b, low=0, high=1), self.real(a, b)], kw=["labels", "logits"])
        self.case("nn.l2_loss", [self.real(a, b)])
        for axis in [0, 1]:
            self.case("nn.l2_normalize", [self.real(a, b)], axis=axis)
        for padding in ["SAME", "VALID"]:
            for stride in [1, 2, 3]:
                strides = [1, stride, stride, 1]
                image = self.real(2, int(self.rng.randint(5, 9)), int(self.rng.randint(5, 9)), 2)
                height, width = (int(x) for x in self.rng.randint(1, 4, 2))
                self.case("nn.conv2d", [image, self.real(height, width, 2, 3)], strides=strides,
                          padding=padding)
                for pool in ["nn.max_pool", "nn.avg_pool"]:
                    self.case(pool, [image], ksize=[1, height, width, 1], strides=strides,
                              padding=padding)
        self.record_bits_and_matrices()
        return self.cases

    def record_bits_and_matrices(self):
        a, b = self.dims(2)
        for op in ["and", "or", "xor"]:
            self.case("bitwise.bitwise_" + op, [self.integers(a, b, below=99),
                                                self.integers(b, below=99)])
        for op in ["left_shift", "right_shift"]:
            self.case("bitwise." + op, [self.integers(a, b, below=99) - 50, self.integers(a, b)])
        self.case("bitwise.invert", [self.integers(a, b)])
        square = self.real(2, 3, 3)
        square += square.transpose(0, 2, 1)
        self.case("linalg.eigvalsh", [square])
        for lower, upper in [(0, -1), (1, 0), (-1, 1)]:
            self.case("linalg.band_part", [self.real(2, 3, 4)], num_lower=lower, num_upper=upper)
        for padding in ["SAME", "VALID"]:
            for stride in [1, 2]:
                image = self.real(2, 5, 6, 2)
                strides = [1, stride, stride, 1]
                self.case("nn.depthwise_conv2d", [image, self.real(2, 3, 2, 2)], strides=strides,
                          padding=padding)
                volume, strides = self.real(1, 4, 5, 4, 2), [1, stride, stride, stride, 1]
                self.case("nn.conv3d", [volume, self.real(2, 3, 2, 2, 3)], strides=strides,
                          padding=padding)
                for pool in ["nn.max_pool3d", "nn.avg_pool3d"]:
                    self.case(pool, [volume], ksize=[1, 2, 3, 2, 1], strides=strides,
                              padding=padding)
