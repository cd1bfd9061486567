"""A program as a few lines for a reader."""


def tensor(recorded):
    data = recorded["data"]
    text = str(data if len(data) <= 12 else data[:12] + ["..."])
    static = f" static {recorded['static']}" if "static" in recorded else ""
    return f"{recorded.get('kind', 'placeholder')} {recorded['dtype']} {recorded['shape']}{static} {text}"


def lines(program):
    for name, recorded in program["inputs"].items():
        yield f"{name} = {tensor(recorded)}"
    for op in program["ops"]:
        attrs = [f"{k}={v}" for k, v in op["attrs"].items()]
        yield f"{op['as']} = {op['op']}({', '.join(op['of'] + attrs)})"
    yield f"run {', '.join(program['fetch'])}"
    for name, recorded in program.get("weights", {}).items():
        yield f"weights of {name}: {tensor(recorded)}"
    if "gradients" in program:
        yield f"gradients by {', '.join(program['gradients'])}" + (
            ", twice" if "second" in program else "")
    if "train" in program:
        yield f"train {program['train']}"
