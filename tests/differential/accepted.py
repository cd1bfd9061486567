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


ACCEPTED = [
    Accepted("a gradient that is 0 everywhere may be none: the same sum", ("zero",)),
    Accepted("TensorFlow takes denormals for 0", ("value", "nan"), contains="denormal"),
    Accepted("a number beyond an integer becomes its end here, NaN 0; undefined in C++",
             ("value",), ops=("cast",), contains="beyond integers"),
    Accepted("which NaN is the largest is not specified", ("value", "nan"),
             ops=("argmax", "argmin", "nn.max_pool"), contains="nan"),
    Accepted("a dtype that does not fit is a ValueError here (ops.h)", ("class",),
             message="TypeError"),
    Accepted("TensorFlow has no kernel for this dtype", ("accepted", "class"),
             message="No OpKernel|not in list of allowed values|not supported|NotFoundError"),
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
        if entry.message and not re.search(entry.message, difference.text):
            continue
        if entry.contains and not NUMBERS[entry.contains](floats(program, *answers)):
            continue
        return entry.why
    return None
