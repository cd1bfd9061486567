"""A program while it is drawn: its values, with their shapes, and new inputs for what is missing."""
import values
from tensorflow_calls import call, tf, v1

DTYPES = {"float32": 10, "float64": 4, "int32": 3, "int64": 2, "uint8": 1.5, "bool": 1}
FLOATS = ["float32", "float64"]
NUMBERS = ["float32", "float64", "int32", "int64", "uint8"]
LARGEST = 4096  # elements


class Draft:
    """Whether an op fits, and the shape of its result, TensorFlow says, with all shapes known."""

    def __init__(self, rng):
        self.rng = rng
        self.style = rng.choices(["usual", "positive", "special", "equal"], [8, 2, 3, 0.5])[0]
        self.program = {"inputs": {}, "ops": []}
        self.tensors = {}
        self.favourite = rng.choices(list(DTYPES), list(DTYPES.values()))[0]

    # What the ops' arguments are drawn from.

    def dtype(self, among):
        if self.favourite in among and self.rng.random() < 0.8:
            return self.favourite
        return self.rng.choices(among, [DTYPES[d] for d in among])[0]

    def dims(self, low=0, high=4):
        rank = self.rng.randint(low, high) if self.rng.random() < 0.2 else self.rng.randint(
            low, max(low, min(high, 2)))
        return [0 if self.rng.random() < 0.04 else self.rng.choice([1, 2, 2, 3, 3, 4, 5])
                for _ in range(rank)]

    def new(self, dtype, shape, style=None):
        name = f"x{len(self.program['inputs'])}"
        drawn = values.tensor(self.rng, dtype, shape, style or self.style)
        self.program["inputs"][name] = drawn
        self.tensors[name] = v1.placeholder(dtype, shape, name)
        return name

    def shape(self, name):
        return self.tensors[name].shape.as_list()

    def dtype_of(self, name):
        return self.tensors[name].dtype.name

    def known(self, among, fits):
        return [n for n, t in self.tensors.items() if t.dtype.name in among and fits(self.shape(n))]

    def any(self, among=NUMBERS, low=0, high=4, fresh=0.3):
        """A value of one of these dtypes and ranks: one that there is, or a new input."""
        there = self.known(among, lambda shape: low <= len(shape) <= high)
        if there and self.rng.random() > fresh:
            return self.rng.choice(there[-4:] if self.rng.random() < 0.7 else there)
        return self.new(self.dtype(among), self.dims(low, high))

    def of(self, dtype, shape, fresh=0.5, style=None):
        """A value of just this dtype and shape."""
        there = self.known([dtype], lambda known: known == list(shape))
        if there and self.rng.random() > fresh and style is None:
            return self.rng.choice(there)
        return self.new(dtype, shape, style)

    def broadcast(self, shape):
        """A shape that is broadcast to this one, or that this one is broadcast to."""
        rng = self.rng
        shape = [rng.choice([1, n, n]) if n != 1 else rng.choice([1, 1, 3]) for n in shape]
        if shape and rng.random() < 0.3:
            shape = shape[rng.randint(0, len(shape)):]
        return shape

    def axis(self, rank):
        """Within the rank, and once in a while beyond."""
        if self.rng.random() < 0.05:
            return self.rng.choice([rank, -rank - 1, rank + 7, 1000000])
        return self.rng.randint(-rank, rank - 1) if rank else self.rng.choice([0, -1])

    # What makes it a program.

    def add(self, op, inputs, attrs):
        """Returns whether TensorFlow takes it; the program then has it."""
        try:
            result = call(op, [self.tensors[name] for name in inputs], attrs)
        except Exception:  # any refusal
            return False
        shape = result.shape
        if not shape.is_fully_defined() or (shape.num_elements() or 0) > LARGEST:
            return False
        name = f"t{len(self.program['ops'])}"
        self.program["ops"].append({"as": name, "op": op, "of": inputs, "attrs": attrs})
        self.tensors[name] = result
        return True

    def add_refused(self, op, inputs, attrs):
        """The program's last op, whatever TensorFlow says."""
        name = f"t{len(self.program['ops'])}"
        self.program["ops"].append({"as": name, "op": op, "of": inputs, "attrs": attrs})


__all__ = ["Draft", "FLOATS", "NUMBERS", "tf"]
