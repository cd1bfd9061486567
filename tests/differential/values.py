"""Draws the elements of tensors: usual numbers, or what arithmetic stumbles over."""
INFINITIES = ["inf", "-inf"]
SPECIAL = {
    "float32": [0.0, -0.0, 1e-30, -1e-30, 1e30, -3e38, 3e38, 1e4, 88.0, -104.0, "nan"] + INFINITIES,
    "float64": [0.0, -0.0, 1e-300, 1e200, -1e308, 1e4, 709.0, -746.0, "nan"] + INFINITIES,
    "int32": [0, -1, -2**31, 2**31 - 1, 65536, 2**24 + 1],
    "int64": [0, -1, -2**63, 2**63 - 1, 2**53 + 1, 2**32],
    "uint8": [0, 1, 127, 128, 255],
}
DENORMALS = {"float32": 1e-40, "float64": 5e-324}


def usual(rng, dtype, style):
    if dtype == "bool":
        return rng.random() < 0.5
    if dtype == "uint8":
        return rng.randrange(0, 7)
    if dtype.startswith("int"):
        return rng.randrange(1, 5) if style == "positive" else rng.randrange(-4, 6)
    low = 1 if style == "positive" else -24
    # Exact in float32, with zeros and ties.
    return rng.randrange(low, 25) / 8


def elements(rng, dtype, count, style):
    """style: usual, positive, special (one in three elements is), equal (all are), or one number."""
    if style == "equal":
        return [usual(rng, dtype, "usual")] * count
    data = []
    for _ in range(count):
        if style == "special" and dtype in SPECIAL and rng.random() < 0.35:
            rare = dtype in DENORMALS and rng.random() < 0.01
            data.append(DENORMALS[dtype] if rare else rng.choice(SPECIAL[dtype]))
        else:
            data.append(usual(rng, dtype, style))
    return data


def tensor(rng, dtype, shape, style):
    count = 1
    for n in shape:
        count *= n
    return {"dtype": dtype, "shape": list(shape), "data": elements(rng, dtype, count, style)}
