"""What differs between two answers to one program."""
import dataclasses

import numpy as np

import tensors

# Relative to the element, and to the tensor's largest (1 when all are smaller): rounding leaves its
# part of each summand, whatever cancels afterwards.
TOLERANCE = {"float32": (2e-5, 2e-6), "float64": (1e-9, 1e-11)}
WRONG = {"ValueError", "InvalidArgumentError"}  # the same before a run and in one


@dataclasses.dataclass(frozen=True)
class Difference:
    section: str
    kind: str
    text: str = dataclasses.field(compare=False)


def precision(program, scale):
    """What passes through a float32 somewhere is no more exact than that."""
    text = str(program["inputs"]) + str(program["ops"])
    single = "float32" in text or "one_hot" in text
    relative, of_largest = TOLERANCE["float32" if single else "float64"]
    return relative * scale, of_largest * scale


def wrong_elements(expected, actual, tolerance, noise=None):
    """Where two float arrays of one shape differ, and where NaN alone does."""
    relative, of_largest = tolerance
    finite = np.isfinite(expected)
    largest = max(1.0, float(np.abs(expected[finite]).max())) if finite.any() else 1.0
    with np.errstate(all="ignore"):
        allowed = relative * np.abs(expected) + of_largest * largest
        if noise is not None:
            allowed = allowed + noise
        near = (expected == actual) | (finite & (np.abs(expected - actual) <= allowed))
    nan = np.isnan(expected) != np.isnan(actual)
    return ~(near | (np.isnan(expected) & np.isnan(actual))), nan


def of_tensors(section, name, expected, actual, tolerance, noise):
    if (expected is None) != (actual is None):
        there = tensors.from_json(expected or actual)
        kind = "missing" if (there != 0).any() else "zero"
        side = "varscope" if expected is None else "TensorFlow"
        yield Difference(section, kind, f"{name}: only {side} has a gradient")
        return
    if expected is None:
        return
    for kind in ["dtype", "shape"]:
        if expected[kind] != actual[kind]:
            yield Difference(section, kind, f"{name}: {expected[kind]}, varscope {actual[kind]}")
            return
    if expected.get("sparse", False) != actual.get("sparse", False):
        yield Difference(section, "sparse", f"{name}: only one side is sparse")
    static = actual.get("static")
    if static is not None and (len(static) != len(actual["shape"]) or any(
            s not in (-1, n) for s, n in zip(static, actual["shape"]))):
        yield Difference(section, "static", f"{name}: {static} before the run, {actual['shape']}")
    want, got = tensors.from_json(expected), tensors.from_json(actual)
    if want.dtype.kind == "f":
        wrong, nan = wrong_elements(want.astype(float), got.astype(float), tolerance, noise)
        sign = (want == 0) & (got == 0) & (np.signbit(want) != np.signbit(got))
        if section == "values" and sign.any():
            at = tuple(int(i) for i in np.argwhere(sign)[0])
            yield Difference(section, "sign", f"{name}{list(at)}: {want[at]}, varscope {got[at]}")
    else:
        wrong, nan = want != got, np.zeros(want.shape, bool)
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        kind = "nan" if nan[wrong].all() else "value"
        yield Difference(section, kind, f"{name}{list(at)}: {want[at]}, varscope {got[at]}")


def of_errors(section, expected, actual):
    if "error" not in actual:
        return Difference(section, "accepted", f"TensorFlow: {expected['error']}: "
                          f"{expected['message']}; varscope computes")
    if "error" not in expected:
        return Difference(section, "refused", f"TensorFlow computes; varscope: {actual['error']}: "
                          f"{actual['message']}")
    if expected["error"] == actual["error"] or {expected["error"], actual["error"]} <= WRONG:
        return None
    return Difference(section, "class", f"{expected['error']}: {expected['message']}; varscope "
                      f"{actual['error']}: {actual['message']}")


def differences(program, expected, actual, noise=None, scale=1):
    """All of them, section by section. `noise`: section -> name -> what rounding may change;
    `scale`: of the tolerances."""
    if "died" in actual:
        return [Difference("", "crash", actual["died"])]
    found = []
    for section in expected:
        if section not in actual:
            break  # an earlier section was refused
        want, got = expected[section], actual[section]
        if "error" in want or "error" in got:
            found.append(of_errors(section, want, got))
            continue
        for name in want:
            of_rounding = (noise or {}).get(section, {}).get(name)
            found += of_tensors(section, name, want[name], got[name], precision(program, scale),
                                of_rounding)
    return [difference for difference in found if difference]
