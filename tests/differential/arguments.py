"""How the inputs and attributes of each op are drawn: op -> function of a draft."""
import matrices
import orders
import windows
from draft import FLOATS, NUMBERS

ALL = NUMBERS + ["bool"]
INDICES = ["int32", "int64"]


def unary(among):
    return lambda draft: ([draft.any(among)], {})


def binary(among):
    def draw(draft):
        x = draft.any(among)
        y = draft.of(draft.dtype_of(x), draft.broadcast(draft.shape(x)))
        return ([x, y] if draft.rng.random() < 0.7 else [y, x]), {}
    return draw


def add_n(draft):
    x = draft.any(NUMBERS)
    more = [draft.of(draft.dtype_of(x), draft.shape(x)) for _ in range(draft.rng.randint(0, 3))]
    return [x] + more, {}


def where(draft):
    x = draft.any(ALL)
    shape = draft.shape(x)
    condition = draft.rng.choice([shape, shape, shape[:1], []])
    return [draft.of("bool", condition), x, draft.of(draft.dtype_of(x), shape)], {}


def clip_by_value(draft):
    x = draft.any(NUMBERS)
    number = float if draft.dtype_of(x) in FLOATS else int
    low, high = draft.rng.choice([(-1, 1), (0, 2), (1, -1), (2, 2)])
    return [x], {"clip_value_min": number(low), "clip_value_max": number(high)}


def cast(draft):
    return [draft.any(ALL)], {"dtype": draft.dtype(ALL)}


def reduction(among):
    def draw(draft):
        x = draft.any(among)
        rank = len(draft.shape(x))
        attrs = {}
        kind = draft.rng.choice(["none", "one", "one", "list"])
        if kind == "one":
            attrs["axis"] = draft.axis(rank)
        if kind == "list":
            attrs["axis"] = draft.rng.sample(range(-rank, rank), draft.rng.randint(0, rank))
        if draft.rng.random() < 0.4:
            attrs["keepdims"] = True
        return [x], attrs
    return draw


def arg(draft):
    x = draft.any(NUMBERS, low=1)
    return [x], {"axis": draft.axis(len(draft.shape(x)))}


def matmul(draft):
    rng = draft.rng
    x = draft.any(FLOATS, low=2)
    shape = draft.shape(x)
    attrs = {name: True for name in ["transpose_a", "transpose_b"] if rng.random() < 0.3}
    inner = shape[-2] if "transpose_a" in attrs else shape[-1]
    outer = rng.choice([1, 2, 3])
    last = [outer, inner] if "transpose_b" in attrs else [inner, outer]
    return [x, draft.of(draft.dtype_of(x), shape[:-2] + last)], attrs


def reshape(draft):
    rng = draft.rng
    x = draft.any(ALL)
    count = 1
    for n in draft.shape(x):
        count *= n
    shape = []
    left = count
    for _ in range(rng.randint(0, 3)):
        divisors = [d for d in [1, 2, 3, 4, 5] if left and left % d == 0] or [0, 1, 2]
        shape.append(rng.choice(divisors))
        left = left // shape[-1] if shape[-1] else left
    shape.append(left)
    rng.shuffle(shape)
    if rng.random() < 0.4:
        shape[rng.randrange(len(shape))] = -1
    return [x], {"shape": shape}


def transpose(draft):
    x = draft.any(ALL)
    perm = list(range(len(draft.shape(x))))
    draft.rng.shuffle(perm)
    return [x], {} if draft.rng.random() < 0.2 else {"perm": perm}


def expand_dims(draft):
    x = draft.any(ALL)
    return [x], {"axis": draft.axis(len(draft.shape(x)) + 1)}


def squeeze(draft):
    x = draft.any(ALL)
    ones = [i for i, n in enumerate(draft.shape(x)) if n == 1]
    if draft.rng.random() < 0.4:
        return [x], {}
    return [x], {"axis": draft.rng.sample(ones, draft.rng.randint(0, len(ones)))}


def concat(draft):
    x = draft.any(ALL, low=1)
    shape = draft.shape(x)
    axis = draft.axis(len(shape))
    inputs = [x]
    for _ in range(draft.rng.randint(0, 2)):
        other = list(shape)
        if -len(shape) <= axis < len(shape):
            other[axis] = draft.rng.choice([0, 1, 2, shape[axis]])
        inputs.append(draft.of(draft.dtype_of(x), other))
    return inputs, {"axis": axis}


def stack(draft):
    x = draft.any(ALL, high=3)
    more = [draft.of(draft.dtype_of(x), draft.shape(x)) for _ in range(draft.rng.randint(0, 2))]
    return [x] + more, {"axis": draft.axis(len(draft.shape(x)) + 1)}


def slice_(draft):
    x = draft.any(ALL)
    begin = [draft.rng.randint(0, n) for n in draft.shape(x)]
    size = [draft.rng.choice([-1, draft.rng.randint(0, n - b)])
            for n, b in zip(draft.shape(x), begin)]
    return [x], {"begin": begin, "size": size}


def tile(draft):
    x = draft.any(ALL)
    return [x], {"multiples": [draft.rng.choice([1, 1, 2, 3, 0]) for _ in draft.shape(x)]}


def pad(draft):
    x = draft.any(NUMBERS)
    return [x], {"paddings": [[draft.rng.randint(0, 2), draft.rng.randint(0, 2)]
                              for _ in draft.shape(x)]}


def gather(draft):
    x = draft.any(ALL, low=1)
    rows = draft.shape(x)[0]
    indices = draft.new(draft.dtype(INDICES), draft.dims(0, 2))
    recorded = draft.program["inputs"][indices]
    high = rows if draft.rng.random() < 0.04 or not rows else rows - 1
    recorded["data"] = [draft.rng.randint(0, high) for _ in recorded["data"]]
    return [x, indices], {}


def one_hot(draft):
    return [draft.any(INDICES, high=3)], {"depth": draft.rng.choice([0, 1, 3, 5])}


def floats_from(rank):
    return lambda draft: ([draft.any(FLOATS, low=rank)], {})


def bias_add(draft):
    x = draft.any(FLOATS, low=2)
    return [x, draft.of(draft.dtype_of(x), draft.shape(x)[-1:])], {}


def cross_entropy(draft):
    logits = draft.any(FLOATS, low=1, high=3)
    labels = draft.of(draft.dtype_of(logits), draft.shape(logits))
    return [labels, logits], {"kw": ["labels", "logits"]}


def sparse_cross_entropy(draft):
    logits = draft.any(FLOATS, low=1, high=3)
    shape = draft.shape(logits)
    labels = draft.new(draft.dtype(INDICES), shape[:-1])
    recorded = draft.program["inputs"][labels]
    recorded["data"] = [draft.rng.randint(0, max(shape[-1] - 1, 0)) for _ in recorded["data"]]
    return [labels, logits], {"kw": ["labels", "logits"]}


def l2_normalize(draft):
    x = draft.any(FLOATS, low=1)
    return [x], {"axis": draft.axis(len(draft.shape(x)))}


def clip_by_global_norm(draft):
    x = draft.any(FLOATS)
    return [x, draft.of(draft.dtype_of(x), [])], {}


def leaky_relu(draft):
    return [draft.any(FLOATS)], {"alpha": draft.rng.choice([0.25, 0.5, 2.0])}


def control(draft):
    return [draft.any(FLOATS, high=2)], {}


def control_rounds(draft):
    return [draft.any(FLOATS, high=2)], {"rounds": draft.rng.randint(0, 3)}


def control_sums(draft):
    return [draft.any(FLOATS, low=1, high=2)], {}


def tile_by(draft):
    return tile(draft)


def strided_slice(draft):
    rng = draft.rng
    x = draft.any(ALL)
    shape = draft.shape(x)
    items = rng.randint(0, len(shape)) if rng.random() < 0.4 else len(shape)
    attrs = {"begin": [], "end": [], "strides": []}
    masks = dict.fromkeys(["begin", "end", "shrink_axis"], 0)
    for i in range(items):
        n = max(shape[i], 1)
        attrs["begin"].append(rng.randint(-n, n - 1))
        attrs["end"].append(rng.randint(-n - 1, n + 1))
        attrs["strides"].append(rng.choice([1, 1, 1, 2, -1, -2]))
        for mask in masks:
            masks[mask] |= (rng.random() < 0.25) << i
    for i in range(items):
        # A number has a step of 1.
        if masks["shrink_axis"] >> i & 1:
            attrs["strides"][i] = 1
    return [x], attrs | {f"{name}_": mask for name, mask in masks.items() if mask}


def gather_nd(draft):
    rng = draft.rng
    x = draft.any(ALL, low=1, high=3)
    shape = draft.shape(x)
    depth = rng.randint(1, len(shape))
    indices = draft.new(draft.dtype(INDICES), draft.dims(0, 2) + [depth])
    recorded = draft.program["inputs"][indices]
    count = len(recorded["data"])
    recorded["data"] = [rng.randint(0, max(shape[i % depth] - 1, 0)) for i in range(count)]
    return [x, indices], {}


def reverse(draft):
    x = draft.any(ALL)
    rank = len(draft.shape(x))
    return [x], {"axis": draft.rng.sample(range(rank), draft.rng.randint(0, rank))}


def running(draft):
    x = draft.any(FLOATS, low=1)
    attrs = {"axis": draft.rng.randint(0, len(draft.shape(x)) - 1)}
    for flag in ["exclusive", "reverse"]:
        if draft.rng.random() < 0.3:
            attrs[flag] = True
    return [x], attrs


def top_k(draft):
    x = draft.any(FLOATS, low=1, high=3)
    return [x], {"k": draft.rng.randint(0, draft.shape(x)[-1])}


def fill(draft):
    return [draft.of(draft.dtype(ALL), [])], {"dims": draft.dims(0, 3)}


def broadcast_to(draft):
    x = draft.any(NUMBERS, high=3)
    shape = [n if n != 1 else draft.rng.choice([1, 2, 3]) for n in draft.shape(x)]
    return [x], {"shape": draft.dims(0, 1) + shape}


def range_of(draft):
    """As many numbers as x has elements."""
    return [draft.any(ALL)], {"fixed": [draft.rng.randint(-3, 3), draft.rng.choice([1, 2, -1])]}


def unique(draft):
    return [draft.any(ALL, low=1, high=1)], {}


def with_numbers(draft, name, below):
    """The input `name`, of integers, gets such numbers; and -1 or the end once in a while."""
    recorded = draft.program["inputs"][name]
    beyond = draft.rng.random() < 0.04
    recorded["data"] = [draft.rng.randint(-1 if beyond else 0, below if beyond else max(below - 1, 0))
                        for _ in recorded["data"]]
    return name


def scatter_nd(draft):
    rng = draft.rng
    shape = draft.dims(1, 3)
    depth = rng.randint(1, len(shape))
    count = draft.dims(0, 2)
    indices = draft.new("int64", count + [depth])
    recorded = draft.program["inputs"][indices]
    recorded["data"] = [rng.randint(0, max(shape[i % depth] - 1, 0))
                        for i in range(len(recorded["data"]))]
    updates = draft.of(draft.dtype(["float32", "float64", "int32"]), count + shape[depth:])
    return [indices, updates], {"shape": shape}


def reverse_sequence(draft):
    rng = draft.rng
    x = draft.any(ALL, low=2)
    shape = draft.shape(x)
    batch, seq = rng.sample(range(len(shape)), 2)
    lengths = with_numbers(draft, draft.new(draft.dtype(INDICES), [shape[batch]]), shape[seq] + 1)
    return [x, lengths], {"seq_axis": seq, "batch_axis": batch}


def in_top_k(draft):
    predictions = draft.of("float32", draft.dims(2, 2))
    rows, classes = draft.shape(predictions)
    targets = with_numbers(draft, draft.new(draft.dtype(INDICES), [rows]), classes)
    return [predictions, targets], {"k": draft.rng.randint(0, classes + 1)}


def unsorted_segment_sum(draft):
    x = draft.any(["float32", "float64", "int32"], low=1, high=3)
    shape = draft.shape(x)
    ids = draft.new(draft.dtype(INDICES), shape[:draft.rng.randint(1, len(shape))])
    segments = draft.rng.randint(1, 4)
    return [x, with_numbers(draft, ids, segments)], {"fixed": segments}


OPS = (
    dict.fromkeys(["add", "subtract", "multiply", "maximum", "minimum", "divide", "floordiv",
                   "squared_difference"], binary(NUMBERS))
    | dict.fromkeys(["pow", "atan2"], binary(FLOATS))
    | dict.fromkeys(["floormod", "truncatediv"], binary(NUMBERS))
    | dict.fromkeys(["logical_and", "logical_or", "logical_xor"], binary(["bool"]))
    | dict.fromkeys(["tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "erf",
                     "erfc", "expm1", "lgamma", "digamma", "ceil", "nn.softsign", "is_nan", "is_inf",
                     "is_finite"], unary(FLOATS))
    | {"round": unary(NUMBERS), "logical_not": unary(["bool"])}
    | {"control.cond": control, "control.power": control_rounds, "control.nested": control_rounds,
       "control.sums": control_sums, "reshape_to": reshape, "tile_by": tile_by,
       "strided_slice": strided_slice, "gather_nd": gather_nd, "reverse": reverse,
       "cumsum": running, "cumprod": running, "top_k": top_k, "top_k.indices": top_k,
       "fill": fill, "broadcast_to": broadcast_to, "range_of": range_of, "unique": unique,
       "unique.idx": unique, "scatter_nd": scatter_nd, "reverse_sequence": reverse_sequence,
       "in_top_k": in_top_k, "unsorted_segment_sum": unsorted_segment_sum}
    | dict.fromkeys(["shape", "size", "rank", "where_sum"], unary(ALL))
    | dict.fromkeys(["equal", "not_equal"], binary(ALL))
    | dict.fromkeys(["less", "less_equal", "greater", "greater_equal"], binary(NUMBERS))
    | dict.fromkeys(["negative", "abs", "sign", "square"], unary(NUMBERS))
    | dict.fromkeys(["sqrt", "rsqrt", "reciprocal", "exp", "log", "log1p", "sin", "cos", "tanh",
                     "sigmoid", "floor", "nn.relu", "nn.relu6", "nn.elu", "nn.selu", "nn.softplus",
                     "nn.sigmoid", "nn.tanh", "nn.l2_loss"], unary(FLOATS))
    | dict.fromkeys(["identity", "stop_gradient", "zeros_like", "ones_like"], unary(ALL))
    | dict.fromkeys(["reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_prod"],
                    reduction(NUMBERS))
    | {"reduce_logsumexp": reduction(FLOATS)}
    | dict.fromkeys(["argmax", "argmin"], arg)
    | dict.fromkeys(["nn.softmax", "nn.log_softmax"], floats_from(1))
    | dict.fromkeys(["gather", "nn.embedding_lookup"], gather)
    | dict.fromkeys(["nn.softmax_cross_entropy_with_logits_v2",
                     "nn.sigmoid_cross_entropy_with_logits"], cross_entropy)
    | {"add_n": add_n, "where": where, "clip_by_value": clip_by_value, "cast": cast,
       "matmul": matmul, "reshape": reshape, "transpose": transpose, "expand_dims": expand_dims,
       "squeeze": squeeze, "concat": concat, "stack": stack, "slice": slice_, "tile": tile,
       "pad": pad, "one_hot": one_hot, "nn.bias_add": bias_add, "nn.l2_normalize": l2_normalize,
       "nn.sparse_softmax_cross_entropy_with_logits": sparse_cross_entropy,
       "nn.leaky_relu": leaky_relu,
       "clip_by_global_norm": clip_by_global_norm}
    | matrices.OPS | orders.OPS | windows.OPS)
