"""Tensors as JSON: {dtype, shape, data}, where "nan", "inf" and "-inf" stand for themselves."""
import numpy as np

NAMED = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


def to_json(value):
    value = np.asarray(value)
    data = value.ravel().tolist()
    if value.dtype.kind == "f":
        data = [x if np.isfinite(x) else str(x) for x in data]
    return {"dtype": value.dtype.name, "shape": list(value.shape), "data": data}


def from_json(tensor):
    data = [NAMED.get(x, x) if isinstance(x, str) else x for x in tensor["data"]]
    with np.errstate(over="ignore"):
        return np.array(data, tensor["dtype"]).reshape(tensor["shape"])
