"""How much of a program's answer is rounding: what it becomes when its inputs change a little, and
when it computes in float64."""
import copy
import json
import zlib

import numpy as np

import tensors

FACTOR = 30


def nudged(program, number):
    """Equal elements stay equal, so that ties stay ties."""
    program = copy.deepcopy(program)
    for recorded in program["inputs"].values():
        if not recorded["dtype"].startswith("float"):
            continue
        step = 1e-7 if recorded["dtype"] == "float32" else 1e-14
        data = []
        for x in recorded["data"]:
            sign = zlib.crc32(f"{x} {number}".encode()) % 3 - 1
            data.append(x if isinstance(x, str) else x * (1 + sign * step))
        recorded.update(tensors.to_json(
            np.array([tensors.NAMED.get(x, x) for x in data], recorded["dtype"])
            .reshape(recorded["shape"])))
    return program


def doubled(program):
    """Without an answer where an op gives float32 whatever it is given."""
    return json.loads(json.dumps(program).replace("float32", "float64"))


def noise_of(program, answer, tensorflow):
    """section -> name -> an array of allowances, infinite where NaN comes and goes."""
    noise = {}
    for variant in [nudged(program, number) for number in range(4)] + [doubled(program)]:
        other = tensorflow.answer(variant) or {}
        for section, named in answer.items():
            if "error" in named or "error" in other.get(section, {"error": ""}):
                continue
            for name, recorded in named.items():
                if recorded is None or not recorded["dtype"].startswith("float"):
                    continue
                x = tensors.from_json(recorded).astype(float)
                y = tensors.from_json(other[section][name]).astype(float)
                if x.shape != y.shape:
                    continue
                with np.errstate(all="ignore"):
                    spread = np.where(x == y, 0, np.nan_to_num(np.abs(x - y) * FACTOR, nan=0))
                known = noise.setdefault(section, {}).setdefault(name, np.zeros(x.shape))
                np.maximum(known, spread, out=known)
    return noise
