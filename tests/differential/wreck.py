"""Arguments that do not fit: both sides must refuse them."""
HUGE = 2**44


def wrong_number(rng, number):
    return rng.choice([-2, -1, number + 1, number - 1, number + 5, -number - 2, HUGE])


def wrong_list(rng, numbers, pairs):
    numbers = list(numbers)
    kind = rng.choice(["longer", "shorter", "other", "other", "other"])
    if kind == "longer" or not numbers:
        return numbers + [[0, 1] if pairs else rng.choice([0, 1, 2])]
    at = rng.randrange(len(numbers))
    if kind == "shorter":
        return numbers[:at] + numbers[at + 1:]
    if isinstance(numbers[at], list):
        numbers[at] = [rng.choice([-1, 0, 1, HUGE]), rng.choice([-1, 0, 1])]
    else:
        numbers[at] = wrong_number(rng, numbers[at])
    return numbers


def wreck(draft, inputs, attrs):
    """One argument becomes another: an attribute, or an input of another shape or dtype."""
    rng = draft.rng
    numeric = [name for name, value in attrs.items()
               if name not in ("kw", "dtype", "padding", "fixed") and not isinstance(value, bool)]
    if numeric and rng.random() < 0.6:
        name = rng.choice(numeric)
        value = attrs[name]
        if isinstance(value, list):
            return inputs, attrs | {name: wrong_list(rng, value, name == "paddings")}
        if isinstance(value, int):
            number = wrong_number(rng, value)
            # Python's axes have no limit, C++'s are an int.
            return inputs, attrs | {name: number if name == "depth" else min(number, 2**31 - 1)}
    inputs = list(inputs)
    inputs[rng.randrange(len(inputs))] = draft.any(["float32", "float64", "int32", "int64", "uint8",
                                                    "bool"], fresh=0.6)
    return inputs, attrs
