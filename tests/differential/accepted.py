"""The differences that are meant: which program, which kind, and why.

A difference is accepted when all that an entry names fits: the kind, the section, an op that the
program has, what the inputs of that op contain (a NaN, ...), and what is said of the difference.
"""
import dataclasses
import re

import numpy as np

import tensors


@dataclasses.dataclass(frozen=True)
class Accepted:
    why: str
    kinds: tuple
    ops: tuple = ()       # one of them
    contains: str = ""    # a key of NUMBERS: of what such an op is given
    anywhere: bool = False  # not only what the op is given: also results and gradients
    message: str = ""     # a regular expression
    section: str = ""
    rows: bool = False      # a first gradient is rows in one of the two alone


ACCEPTED = [
    Accepted("a gradient that is 0 everywhere may be none: the same sum", ("zero",)),
    Accepted("a number beyond an integer becomes its end here, NaN 0; undefined in C++",
             ("value",), ops=("cast",), contains="beyond integers"),
    Accepted("which NaN is the largest is not specified", ("value", "nan"),
             ops=("argmax", "argmin", "nn.max_pool", "nn.max_pool3d"), contains="nan"),
    Accepted("e^x - 1 near 0, of which TensorFlow keeps the sign alone or nothing", ("value",),
             ops=("nn.selu", "nn.elu"), contains="tiny"),
    Accepted("a dtype that does not fit is a ValueError here (ops.h)", ("class",),
             message=r"^TypeError: .*; varscope (ValueError|InvalidArgumentError): "),
    Accepted("TensorFlow has no kernel for this dtype", ("accepted", "class"),
             message="No OpKernel|not in list of allowed values|not supported|NotFoundError"),
    Accepted("floats only (ops.h, nn.h)", ("refused",), message="expected float32 or float64"),
    Accepted("the ranks of a matrix product must be equal (ops.h)", ("refused",), ops=("matmul",),
             message="must have the same rank of at least 2|Outer dimensions must be equal"),
    Accepted("the rank must be known (ops.h)", ("refused",), ops=("transpose",),
             message="so perm must be given"),
    Accepted("windows move over height and width alone (nn.h)", ("refused", "class"),
             ops=("nn.conv2d", "nn.max_pool", "nn.avg_pool"), message=r"must be \[1, y, x, 1\]"),
    Accepted("TensorFlow refuses a window outside of the image by a known shape alone; a run gives "
             "an empty image", ("accepted",),
             ops=("nn.conv2d", "nn.conv2d_transpose", "nn.max_pool", "nn.avg_pool", "nn.conv3d",
                  "nn.conv3d_transpose", "nn.max_pool3d", "nn.avg_pool3d"),
             message="Negative dimension size"),
    Accepted("TensorFlow has no gradient of a negative perm", ("accepted",), ops=("transpose",),
             section="gradients"),
    Accepted("no server takes a NaN or an infinity", ("refused",), section="trained",
             message="nothing was applied"),
    Accepted("a part outside of the tensor, which has no elements: TensorFlow lets it pass",
             ("refused",), ops=("slice",), message="leave dimension"),
    Accepted("TensorFlow's loss of no classes refuses its own reshape", ("accepted",),
             ops=("nn.sparse_softmax_cross_entropy_with_logits",
                  "nn.softmax_cross_entropy_with_logits_v2"),
             message="Input to reshape is a tensor with"),
    Accepted("a row number outside of the table, of rows without elements (ops.h)", ("refused",),
             ops=("gather", "nn.embedding_lookup"), message=r"is not in \[0, "),
    Accepted("labels and logits have one shape, none is broadcast (nn.h)", ("refused",),
             ops=("nn.softmax_cross_entropy_with_logits_v2",),
             message="Shapes of labels and logits must be equal"),
    Accepted("the sum overflows in one order of its terms and not in the other", ("value", "nan"),
             ops=("nn.conv2d", "nn.conv2d_transpose", "matmul", "reduce_sum", "reduce_mean",
                  "nn.avg_pool", "reduce_prod", "nn.bias_add", "add_n", "nn.l2_loss", "tile"),
             contains="huge", anywhere=True),
    Accepted("TensorFlow's second derivative of windows that reach beyond the image is 0", ("value",),
             ops=("nn.max_pool",), section="second"),
    Accepted("the gradient of rows is dense here where it went through concat; the same numbers",
             ("sparse",), ops=("concat",)),
    Accepted("so the second derivative is of the squares of rows there, of those of their sums here",
             ("value",), ops=("concat",), section="second", rows=True),
    Accepted("0 times NaN or infinity, of labels that have no second derivative", ("missing",),
             section="second", ops=("nn.softmax_cross_entropy_with_logits_v2",),
             contains="not finite"),
    Accepted("the C library's power takes a denormal for what it is, TensorFlow for 0", ("value",),
             ops=("pow",), contains="denormal"),
    Accepted("TensorFlow finds no trigamma of numbers below 0, or another", ("nan", "value"),
             ops=("digamma",), contains="negative"),
    Accepted("TensorFlow's error function of an infinity in float64 is NaN", ("nan",),
             ops=("erf",), contains="not finite", message="nan, varscope"),
    Accepted("TensorFlow has no second derivative of it", ("accepted",), section="second",
             message=r"No gradient defined for operation'gradients/Softsign\w*_grad"),
    Accepted("TensorFlow's kernel refuses one place, of which its shape rule knows", ("accepted",),
             ops=("scatter_nd",), message=r"Dimensions \[\d,\d\) of (indices|input)\[shape="),
    Accepted("so does the gradient of one element, or of one slice", ("accepted",),
             ops=("gather_nd",),
             message=r"GatherNd_grad/ScatterNd|Updates shape must have rank|must match dimensions"),
    Accepted("no element can be had of no elements", ("accepted",), ops=("gather_nd",),
             message="but params is empty"),
    Accepted("which place NaN has among the largest is not specified", ("value", "nan"),
             ops=("top_k", "top_k.indices"), contains="nan"),
    Accepted("an axis that is not there is an error before the run (ops.h)", ("refused",),
             ops=("argmax", "argmin"), message="^TensorFlow computes; varscope: ValueError: Axis"),
    Accepted("the rows are int32 or int64 (ops.h)", ("refused",), ops=("one_hot",),
             message="expected int32 or int64"),
    Accepted("what is known of a shape makes constants in TensorFlow, which have no derivative",
             ("refused", "class"), ops=("unique",), message="No gradient defined for operation"),
    Accepted("which place NaN has in the order is not specified", ("value",),
             ops=("argsort", "sort"), contains="nan"),
    Accepted("a gradient that TensorFlow has not is a LookupError here (math_ops.h)", ("class",),
             message="^(NotImplementedError|TypeError): .*; varscope LookupError: "),
    Accepted("TensorFlow multiplies infinities by the zeros that it pads with", ("nan",),
             ops=("nn.conv3d", "nn.conv3d_transpose"), contains="not finite", anywhere=True),
    Accepted("TensorFlow's largest of windows over volumes begins with the lowest number", ("value",),
             ops=("nn.max_pool3d",), contains="not finite"),
    Accepted("TensorFlow knows sizes by the shape of the gradient, too", ("refused",),
             message="No gradient defined for singular vectors of matrices of unknown size"),
    Accepted("the sign of a sum of zeros", ("sign",),
             ops=("matmul", "reduce_sum", "reduce_mean", "nn.conv2d", "nn.conv2d_transpose",
                  "nn.avg_pool", "add_n")),
    Accepted("the sign of a zero at the end of its range", ("sign",), ops=("nn.relu6",)),
    Accepted("TensorFlow has no gradient of none of the elements", ("accepted",),
             ops=("top_k", "top_k.indices"), message="Requires delta != 0"),
    Accepted("TensorFlow divides by the 0 that is multiplied", ("nan",), ops=("cumprod",)),
    Accepted("TensorFlow's kernel refuses a scalar", ("accepted",), ops=("where_sum",),
             message="Unhandled input dimensions"),
    Accepted("TensorFlow calls a division by zero an InternalError", ("class",),
             ops=("truncatediv",), message="only integer div and mod should have errors"),
    Accepted("Python's own error, of a shape that is not there", ("class",),
             message="^IndexError: "),
]


def arrays_of(named):
    """The tensors of a section, or of the inputs, by name."""
    if not isinstance(named, dict) or "error" in named:
        return {}
    return {name: tensors.from_json(recorded) for name, recorded in named.items()
            if recorded is not None}


def given(program, ops, between):
    """What such ops are given."""
    values = arrays_of(program["inputs"]) | arrays_of(between.get("values", {}))
    return [values[name] for op in program["ops"] if op["op"] in ops
            for name in op["of"] if name in values]


def everywhere(program, *answers):
    found = list(arrays_of(program["inputs"]).values())
    for answer in answers:
        for named in answer.values():
            found += arrays_of(named).values()
    return found


def any_of(test):
    return lambda arrays: any(test(a).any() for a in arrays if a.dtype.kind == "f")


NUMBERS = {
    "denormal": any_of(lambda a: (a != 0) & (np.abs(a) < np.finfo(a.dtype).tiny)),
    "tiny": any_of(lambda a: (a != 0) & (np.abs(a) < 1e-6)),
    "nan": any_of(np.isnan),
    "negative": any_of(lambda a: a < 0),
    "not finite": any_of(lambda a: ~np.isfinite(a)),
    "beyond integers": any_of(lambda a: ~(np.abs(a) < 2**31) | (a < 0) | (a > 255)),
    "huge": any_of(lambda a: np.abs(a) > 1e15),
}


def contains(entry, program, expected, actual, between):
    if entry.anywhere:
        return NUMBERS[entry.contains](everywhere(program, expected, actual, between))
    return NUMBERS[entry.contains](given(program, entry.ops, between))


def differ_in_rows(expected, actual):
    first = [answer.get("gradients", {}) for answer in (expected, actual)]
    return any((first[0][name] or {}).get("sparse", False) !=
               (first[1].get(name) or {}).get("sparse", False)
               for name in first[0] if name not in ("error", "message"))


def reason(program, difference, expected, actual, between):
    """Why it is accepted; None when it is not. `between`: what the ops give."""
    ops = {op["op"] for op in program["ops"]}
    for entry in ACCEPTED:
        if difference.kind not in entry.kinds or (entry.ops and not ops & set(entry.ops)):
            continue
        if entry.section not in ("", difference.section):
            continue
        if entry.message and not re.search(entry.message, difference.text):
            continue
        if entry.rows and not differ_in_rows(expected, actual):
            continue
        if entry.contains and not contains(entry, program, expected, actual, between):
            continue
        return entry.why
    return None
