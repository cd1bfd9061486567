"""Makes a program smaller while it still differs in the same way."""
import copy

STEPS = 150


def needed(program):
    """Without the ops and inputs that nothing needs."""
    program = copy.deepcopy(program)
    wanted = set(program["fetch"]) | set(program.get("gradients", []))
    for op in reversed(program["ops"]):
        if op["as"] in wanted:
            wanted |= set(op["of"])
    program["ops"] = [op for op in program["ops"] if op["as"] in wanted]
    program["inputs"] = {n: r for n, r in program["inputs"].items() if n in wanted}
    return program


def renamed(program, old, new):
    program = copy.deepcopy(program)
    for op in program["ops"]:
        op["of"] = [new if name == old else name for name in op["of"]]
    program["ops"] = [op for op in program["ops"] if op["as"] != old]
    return program


def without_sections(program):
    for key in ["train", "second", "gradients", "weights"]:
        if key in program:
            smaller = {k: v for k, v in program.items() if k != key}
            if key == "gradients":
                smaller.pop("second", None)
                smaller.pop("weights", None)
            yield needed(smaller)
    for key in ["fetch", "gradients"]:
        names = program.get(key, [])
        for name in names if len(names) > 1 else []:
            yield needed(program | {key: [other for other in names if other != name]})


def without_ops(program, values):
    """Each op's result becomes an input with its value, or one of the op's own inputs."""
    for op in reversed(program["ops"]):
        name = op["as"]
        if name in program["fetch"]:
            # What it is made of is fetched instead.
            made = {other["as"] for other in program["ops"]}
            for of in op["of"]:
                if of in made:
                    yield needed(program | {"fetch": [of]})
            continue
        if name in values:
            replaced = renamed(program, name, "v" + name)
            value = {k: values[name][k] for k in ["dtype", "shape", "data"]}
            replaced["inputs"] = dict(replaced["inputs"]) | {"v" + name: value}
            if "gradients" in program and value["dtype"].startswith("float"):
                replaced["gradients"] = list(program["gradients"]) + ["v" + name]
            yield needed(replaced)
        for of in op["of"]:
            yield needed(renamed(program, name, of))


def known_shapes(program):
    for name, recorded in program["inputs"].items():
        for key in ["static", "kind"]:
            if key in recorded:
                smaller = copy.deepcopy(program)
                del smaller["inputs"][name][key]
                yield smaller


def cut(recorded, old, new):
    """The same tensor with each dimension `old` cut to `new`."""
    shape = [new if n == old else n for n in recorded["shape"]]
    count = 1
    for n in shape:
        count *= n
    result = dict(recorded) | {"shape": shape, "data": recorded["data"][:count]}
    if recorded.get("static") is not None:
        result["static"] = [-1 if s < 0 else n for s, n in zip(recorded["static"], shape)]
    return result


def smaller_shapes(program):
    sizes = {n for recorded in program["inputs"].values() for n in recorded["shape"]}
    for old in sorted(sizes, reverse=True):
        for new in [n for n in (1, 2) if n < old]:
            smaller = copy.deepcopy(program)
            for key in ["inputs", "weights"]:
                if key in smaller:
                    smaller[key] = {n: cut(r, old, new) for n, r in smaller[key].items()}
            yield smaller
    for name, recorded in program["inputs"].items():
        for axis, n in enumerate(recorded["shape"]):
            if n > 1 and not program.get("weights"):
                smaller = copy.deepcopy(program)
                shape = list(recorded["shape"])
                shape[axis] = 1
                count = max(1, len(recorded["data"]) // n)
                smaller["inputs"][name].update(shape=shape, data=recorded["data"][:count])
                smaller["inputs"][name].pop("static", None)
                yield smaller


def simpler_numbers(program):
    for key in ["inputs", "weights"]:
        for name, recorded in program.get(key, {}).items():
            if recorded["dtype"] == "bool":
                continue
            number = float if recorded["dtype"].startswith("float") else int
            for simple in (1, 0, 2):
                if any(x != simple for x in recorded["data"]):
                    smaller = copy.deepcopy(program)
                    smaller[key][name]["data"] = [number(simple)] * len(recorded["data"])
                    yield smaller
            for i, x in enumerate(recorded["data"] if len(recorded["data"]) <= 12 else []):
                if x not in (0, 1, 2):
                    smaller = copy.deepcopy(program)
                    smaller[key][name]["data"][i] = number(1)
                    yield smaller


def fewer_attributes(program):
    for i, op in enumerate(program["ops"]):
        for name in op["attrs"]:
            if name in ("keepdims", "transpose_a", "transpose_b", "axis"):
                smaller = copy.deepcopy(program)
                del smaller["ops"][i]["attrs"][name]
                yield smaller


def candidates(program, values):
    yield from without_sections(program)
    yield from without_ops(program, values)
    yield from known_shapes(program)
    yield from smaller_shapes(program)
    yield from fewer_attributes(program)
    yield from simpler_numbers(program)


def shrink(program, values_of, differs):
    """values_of(program): all that its ops give; differs(program): whether it still does."""
    left = STEPS
    program = needed(program) if differs(needed(program)) else program
    going = True
    while going and left > 0:
        going = False
        for smaller in candidates(program, values_of(program)):
            left -= 1
            if left <= 0:
                break
            if smaller["ops"] and differs(smaller):
                program, going = smaller, True
                break
    return program
