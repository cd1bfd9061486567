"""The differences that are meant: which program, which kind, and why.

A difference is accepted when all that an entry names fits: the kind, one of the ops that the program
has, what its numbers contain (a denormal, a NaN, ...), and the message of the side that refuses.
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
    contains: str = ""    # a key of NUMBERS
    message: str = ""     # a regular expression
    section: str = ""


ACCEPTED = [
    Accepted("a gradient that is 0 everywhere may be none: the same sum", ("zero",)),
    Accepted("TensorFlow takes denormals for 0", ("value", "nan"), contains="denormal"),
    Accepted("TensorFlow takes denormals for 0, also the quotient that is rounded down",
             ("value",), ops=("floordiv",), contains="huge"),
    Accepted("a number beyond an integer becomes its end here, NaN 0; undefined in C++",
             ("value",), ops=("cast",), contains="beyond integers"),
    Accepted("which NaN is the largest is not specified", ("value", "nan"),
             ops=("argmax", "argmin", "nn.max_pool"), contains="nan"),
    Accepted("nothing passes where it is flat; TensorFlow multiplies an infinite gradient by 0",
             ("nan",), ops=("nn.relu", "nn.relu6")),
    Accepted("the second derivative of a square root at 0: NaN there, 0 here; the first agree",
             ("nan",), ops=("sqrt", "rsqrt", "reciprocal"), section="second"),
    Accepted("e^x - 1 near 0, of which TensorFlow keeps the sign alone or nothing", ("value",),
             ops=("nn.selu", "nn.elu"), contains="tiny"),
    Accepted("a dtype that does not fit is a ValueError here (ops.h)", ("class",),
             message="TypeError"),
    Accepted("TensorFlow has no kernel for this dtype", ("accepted", "class"),
             message="No OpKernel|not in list of allowed values|not supported|NotFoundError"),
    Accepted("floats only (ops.h, nn.h)", ("refused",), message="expected float32 or float64"),
    Accepted("the ranks of a matrix product must be equal (ops.h)", ("refused",),
             message="must have the same rank of at least 2|Outer dimensions must be equal"),
    Accepted("the rank must be known (ops.h)", ("refused",), message="so perm must be given"),
    Accepted("windows move over height and width alone (nn.h)", ("refused", "class"),
             message=r"must be \[1, y, x, 1\]"),
    Accepted("TensorFlow refuses a window outside of the image by a known shape alone; a run gives "
             "an empty image", ("accepted",), message="Negative dimension size"),
    Accepted("TensorFlow has no gradient of a negative perm", ("accepted",), ops=("transpose",),
             section="gradients"),
    Accepted("no server takes a NaN or an infinity", ("refused",), message="nothing was applied"),
    Accepted("a part outside of the tensor, which has no elements: TensorFlow lets it pass",
             ("refused",), ops=("slice",), message="leave dimension"),
    Accepted("TensorFlow's loss of no classes refuses its own reshape", ("accepted",),
             message="Input to reshape is a tensor with"),
    Accepted("a row number outside of the table, of rows without elements (ops.h)", ("refused",),
             ops=("gather", "nn.embedding_lookup"), message=r"is not in \[0, "),
    Accepted("labels and logits have one shape, none is broadcast (nn.h)", ("refused",),
             message="Shapes of labels and logits must be equal"),
    Accepted("the sum overflows in one order of its terms and not in the other", ("value", "nan"),
             ops=("nn.conv2d", "matmul", "reduce_sum", "reduce_mean", "nn.avg_pool", "reduce_prod",
                  "nn.bias_add", "add_n", "nn.l2_loss", "tile"), contains="huge"),
    Accepted("TensorFlow's second derivative of windows that reach beyond the image is 0", ("value",),
             ops=("nn.max_pool",), section="second"),
    Accepted("rows alone have a gradient in TensorFlow also through a bias", ("sparse",),
             ops=("nn.bias_add",)),
    Accepted("the sign of a loss of 0, when something divides by it", ("value",),
             ops=("nn.softmax_cross_entropy_with_logits_v2",), contains="not finite"),
    Accepted("Python's own error, of a shape that is not there", ("class",), message="IndexError"),
]


def floats(program, *answers):
    for recorded in program["inputs"].values():
        yield tensors.from_json(recorded)
    for answer in answers:
        for named in answer.values():
            if not isinstance(named, dict) or "error" in named:
                continue
            for recorded in named.values():
                if recorded is not None:
                    yield tensors.from_json(recorded)


def any_of(test):
    return lambda arrays: any(test(a).any() for a in arrays if a.dtype.kind == "f")


NUMBERS = {
    "denormal": any_of(lambda a: (a != 0) & (np.abs(a) < np.finfo(a.dtype).tiny)),
    "tiny": any_of(lambda a: (a != 0) & (np.abs(a) < 1e-6)),
    "nan": any_of(np.isnan),
    "not finite": any_of(lambda a: ~np.isfinite(a)),
    "beyond integers": any_of(lambda a: ~(np.abs(a) < 2**31) | (a < 0) | (a > 255)),
    "huge": any_of(lambda a: np.abs(a) > 1e15),
}


def reason(program, difference, *answers):
    """Why it is accepted; None when it is not."""
    ops = {op["op"] for op in program["ops"]}
    for entry in ACCEPTED:
        if difference.kind not in entry.kinds or (entry.ops and not ops & set(entry.ops)):
            continue
        if entry.section not in ("", difference.section):
            continue
        if entry.message and not re.search(entry.message, difference.text):
            continue
        if entry.contains and not NUMBERS[entry.contains](floats(program, *answers)):
            continue
        return entry.why
    return None
