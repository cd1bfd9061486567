"""How variables get their initial values. The server computes them; a program only says how."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np

from varscope import _core, shapes
from varscope.numbers_ import is_symbolic
from varscope.random_numbers import random_normal, random_uniform, truncated_normal
from varscope.seeds import is_seeded


class Initializer:
    """The base of initializers; `dtype` is there as TensorFlow has it: the variable's counts."""

    def __init__(self, core: _core.Initializer) -> None:
        self._core = core

    def drawn(self, shape: list[int], dtype: _core.DType) -> Any:
        """Returns a tensor of TensorFlow's numbers, where the initializer or the graph has a seed;
        None where the server is to draw."""
        return None

    def of(self, shape: list[int] | None, dtype: _core.DType) -> Any:
        """Returns what the client takes for a variable of this shape: an Initializer, or a value."""
        return self._core

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> _core.Tensor:
        """Returns a tensor of this shape with such values."""
        sizes = shapes.TensorShape(shape).as_list()
        wanted = _core.as_dtype("float32" if dtype is None else dtype)
        value = constant_of(self, sizes, wanted)
        return self._draw(sizes, wanted) if value is None else _core._constant(value, None, None)

    def _draw(self, shape: list[int], dtype: _core.DType) -> _core.Tensor:
        raise NotImplementedError


class _Random(Initializer):
    """One that draws numbers. Where its own numbers are tensors, an op of the graph draws them."""

    _of_tensors = False

    def __init__(self, core: _core.Initializer, seed: int | None) -> None:
        super().__init__(core)
        self.seed = seed

    def drawn(self, shape: list[int], dtype: _core.DType) -> Any:
        if not self._of_tensors and not (is_seeded(self.seed) and dtype in self._dtypes()):
            return None
        return self._draw(shape, dtype)

    def _known(self, *numbers: Any) -> tuple[float, ...]:
        """The numbers for the server; any where they are tensors, as the server does not draw."""
        self._of_tensors = any(is_symbolic(x) for x in numbers)
        return (0.0, 1.0) if self._of_tensors else numbers

    def _dtypes(self) -> tuple[str, ...]:
        return "float32", "float64"


class Zeros(Initializer):
    """Zeros, of every dtype."""

    def __init__(self, dtype: Any = None) -> None:
        super().__init__(_core.zeros_initializer())


class Ones(Initializer):
    """Ones, of every dtype."""

    def __init__(self, dtype: Any = None) -> None:
        super().__init__(_core.ones_initializer())


class Constant(Initializer):
    """One number for all elements, or an array of the variable's size. Of a smaller one the last number
    fills the rest, unless verify_shape forbids that."""

    def __init__(self, value: Any = 0, dtype: Any = None, verify_shape: bool = False) -> None:
        self._array = None if np.ndim(value) == 0 else np.asarray(value)
        self._number = value
        self._verify = verify_shape
        super().__init__(_core.constant_initializer(float(value) if self._array is None else 0.0))

    def of(self, shape: list[int] | None, dtype: _core.DType) -> Any:
        if self._array is not None:
            return self.value(shape, dtype)
        if dtype is not None:  # else it is a scope's
            self._check(dtype)
        return self._core

    def _check(self, dtype: _core.DType) -> None:
        takes = (bool, np.bool_) if dtype.is_bool else (int, np.integer)
        if (dtype.is_integer or dtype.is_bool) and not isinstance(self._number, takes):
            raise TypeError(f"Expected {dtype.name}, but got {self._number} of type "
                            f"'{type(self._number).__name__}'.")

    def value(self, shape: list[int] | None, dtype: _core.DType) -> np.ndarray:
        """Returns the value of a variable of this shape. ValueError for an array that has more
        elements."""
        if self._array is None:
            self._check(dtype)
            return np.full(shape or [], self._number, dtype.as_numpy_dtype)
        if shape is None:
            raise ValueError("constant_initializer: an array of values needs the variable's shape")
        flat, count = self._array.ravel(), int(np.prod(shape, dtype=np.int64))
        if flat.size > count or (flat.size < count and (self._verify or not flat.size)):
            raise ValueError(f"constant_initializer: {flat.size} values for a variable of "
                             f"shape {tuple(shape)}")
        # As TensorFlow: the last one fills what is missing.
        filled = np.concatenate([flat, np.repeat(flat[-1:], count - flat.size)])
        return filled.reshape(shape).astype(dtype.as_numpy_dtype)


class RandomUniform(_Random):
    """From minval up to maxval. Floating dtypes, int32 and int64; whole numbers for the latter."""

    def __init__(self, minval: float = 0.0, maxval: float | None = None, seed: int | None = None,
                 dtype: Any = None) -> None:
        self._minval, self._maxval = minval, 1.0 if maxval is None else maxval
        super().__init__(_core.random_uniform_initializer(
            *self._known(minval, self._maxval), seed), seed)

    def _dtypes(self) -> tuple[str, ...]:
        return "float32", "float64", "int32", "int64"

    def _draw(self, shape: list[int], dtype: _core.DType) -> _core.Tensor:
        low, high = self._minval, self._maxval
        if not dtype.is_floating:
            low, high = int(low), int(high)
        return random_uniform(shape, low, high, dtype, self.seed)


class RandomNormal(_Random):
    """A normal distribution. Floating dtypes."""

    def __init__(self, mean: float = 0.0, stddev: float = 1.0, seed: int | None = None,
                 dtype: Any = None) -> None:
        self._mean, self._stddev = mean, stddev
        super().__init__(_core.random_normal_initializer(*self._known(mean, stddev), seed), seed)

    def _draw(self, shape: list[int], dtype: _core.DType) -> _core.Tensor:
        return random_normal(shape, self._mean, self._stddev, dtype, self.seed)


class TruncatedNormal(_Random):
    """A normal distribution, redrawn beyond two standard deviations."""

    def __init__(self, mean: float = 0.0, stddev: float = 1.0, seed: int | None = None,
                 dtype: Any = None) -> None:
        self._mean, self._stddev = mean, stddev
        super().__init__(_core.truncated_normal_initializer(*self._known(mean, stddev), seed), seed)

    def _draw(self, shape: list[int], dtype: _core.DType) -> _core.Tensor:
        return truncated_normal(shape, self._mean, self._stddev, dtype, self.seed)


class VarianceScaling(_Random):
    """Variance scale / fan; `mode` says which fan: fan_in, fan_out or fan_avg."""

    def __init__(self, scale: float = 1.0, mode: str = "fan_in",
                 distribution: str = "truncated_normal", seed: int | None = None,
                 dtype: Any = None) -> None:
        if distribution == "normal":  # TensorFlow's older name
            distribution = "truncated_normal"
        self._scale, self._mode, self._distribution = scale, mode, distribution
        super().__init__(_core.variance_scaling_initializer(scale, mode, distribution, seed), seed)

    def _draw(self, shape: list[int], dtype: _core.DType) -> _core.Tensor:
        variance = self._scale / max(1.0, _fans(shape)[self._mode])
        if self._distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return random_uniform(shape, -limit, limit, dtype, self.seed)
        if self._distribution == "untruncated_normal":
            return random_normal(shape, 0.0, math.sqrt(variance), dtype, self.seed)
        # The deviation of a normal distribution that is cut at two of its own.
        stddev = math.sqrt(variance) / 0.87962566103423978
        return truncated_normal(shape, 0.0, stddev, dtype, self.seed)


def _fans(shape: list[int]) -> dict[str, float]:
    """The inputs and the outputs of one element of a layer, and their mean."""
    if len(shape) < 2:
        fan_in = fan_out = shape[0] if shape else 1
    else:
        window = math.prod(shape[:-2])
        fan_in, fan_out = shape[-2] * window, shape[-1] * window
    return {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}


class UniformUnitScaling(_Random):
    """Uniform, so that the outputs are as large as the inputs: up to factor * sqrt(3 / inputs)."""

    def __init__(self, factor: float = 1.0, seed: int | None = None, dtype: Any = None) -> None:
        self._factor = factor
        super().__init__(_core.variance_scaling_initializer(factor**2, "fan_in", "uniform", seed),
                         seed)

    def _limit(self, shape: list[int]) -> float:
        return self._factor * math.sqrt(3.0 / max(1, math.prod(shape[:-1])))

    def of(self, shape: list[int] | None, dtype: _core.DType) -> Any:
        if shape is None:
            return self._core
        limit = self._limit(shape)
        return _core.random_uniform_initializer(-limit, limit, self.seed)

    def _draw(self, shape: list[int], dtype: _core.DType) -> _core.Tensor:
        limit = self._limit(shape)
        return random_uniform(shape, -limit, limit, dtype, self.seed)


class GlorotUniform(VarianceScaling):
    """Uniform, of variance 2 / (fan_in + fan_out): the default of floating variables."""

    def __init__(self, seed: int | None = None, dtype: Any = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)


class GlorotNormal(VarianceScaling):
    """A truncated normal distribution of variance 2 / (fan_in + fan_out)."""

    def __init__(self, seed: int | None = None, dtype: Any = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)


class Orthogonal(Initializer):
    """A random matrix with orthonormal rows or columns, whichever are fewer, times gain."""

    def __init__(self, gain: float = 1.0, seed: int | None = None, dtype: Any = None) -> None:
        super().__init__(_core.orthogonal_initializer(gain, seed))
        self._gain, self.seed = gain, seed

    def _draw(self, shape: list[int], dtype: _core.DType) -> _core.Tensor:
        if len(shape) < 2:
            raise ValueError("The tensor to initialize must be at least two-dimensional")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        drawn = np.random.RandomState(self.seed).randn(max(rows, columns), min(rows, columns))
        matrix, corner = np.linalg.qr(drawn)
        matrix = matrix * np.sign(np.diag(corner))
        matrix = (matrix if rows >= columns else matrix.T) * self._gain
        return _core._constant(matrix.reshape(shape).astype(dtype.as_numpy_dtype), None, None)


class Identity(Initializer):
    """gain on the diagonal of a matrix, else 0."""

    def __init__(self, gain: float = 1.0, dtype: Any = None) -> None:
        super().__init__(_core.identity_initializer(gain))
        self.gain = gain


def _made(initializer: Any) -> Any:
    """TensorFlow takes a class for its object."""
    is_class = isinstance(initializer, type) and issubclass(initializer, Initializer)
    return initializer() if is_class else initializer


def is_initializer(x: Any) -> bool:
    """Whether it is an Initializer, or the class of one."""
    return isinstance(_made(x), Initializer)


def is_function(x: Any) -> bool:
    """Whether it is a program's own function, which makes a first value with the graph's ops."""
    made = _made(x)
    return callable(made) and not isinstance(made, (Initializer, _core.Initializer))


def constant_of(initializer: Any, shape: list[int], dtype: _core.DType) -> np.ndarray | None:
    """Returns the value that an initializer gives, where it is the same each time; else None."""
    made, kind = _made(initializer), dtype.as_numpy_dtype
    if isinstance(made, Zeros):
        return np.zeros(shape, kind)
    if isinstance(made, Ones):
        return np.ones(shape, kind)
    if isinstance(made, Constant):
        return made.value(shape, dtype)
    if isinstance(made, Identity):
        return np.eye(*shape, dtype=kind) * kind(made.gain)
    return None


def of_scope(initializer: Any) -> Any:
    """Returns what the client takes for all variables of a scope. None for a program's function,
    which get_variable calls for each variable."""
    initializer = _made(initializer)
    if isinstance(initializer, Initializer):
        return initializer.of(None, None)
    return None if is_function(initializer) else initializer


def of_variable(name: str, initializer: Any, shape: list[int] | None, dtype: _core.DType,
                draws: bool) -> tuple[Any, list[int] | None]:
    """Returns the initializer and the shape as the client takes them: of a value it has no shape.
    `draws`: whether numbers of a seed may be drawn here. ValueError for a function that gives no value,
    or one of another shape."""
    initializer = _made(initializer)
    if isinstance(initializer, Initializer):
        value = initializer.drawn(shape, dtype) if draws and shape is not None else None
        if value is not None:
            return value, None
        initializer = initializer.of(shape, dtype)
        return initializer, None if isinstance(initializer, np.ndarray) else shape
    if not callable(initializer) or isinstance(initializer, _core.Initializer):
        return initializer, shape
    if shape is None:
        return _without_shape(name, initializer, dtype), None
    value = _as_value(name, initializer(shape, dtype=dtype), dtype)
    if not value.shape.is_compatible_with(shape) if is_symbolic(value) else value.shape != tuple(shape):
        given = tuple(value.shape.as_list() if is_symbolic(value) else value.shape)
        raise ValueError(f"variable '{name}' has the shape {tuple(shape)}, and its initializer gave "
                         f"a value of the shape {given}")
    return value, None


def _without_shape(name: str, function: Any, dtype: _core.DType) -> Any:
    """What a function gives that needs no shape. ValueError for one that needs an argument."""
    needed = [name for name, parameter in inspect.signature(function).parameters.items()
              if parameter.default is parameter.empty
              and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)]
    if needed:
        raise ValueError(
            "You can only pass an initializer function that expects no arguments to its callable "
            "when the shape is not fully defined. The given initializer expects the following args "
            f"{needed}")
    return _as_value(name, function(), dtype)


def _as_value(name: str, value: Any, dtype: _core.DType) -> Any:
    """What a program's function has returned: a tensor, else an array of the dtype. ValueError for None,
    and for a tensor of another dtype."""
    if value is None:
        raise ValueError(f"None values not supported: variable '{name}' has an initializer that gave None")
    if not isinstance(value, (_core.Tensor, _core.Variable)):
        return np.asarray(value, dtype.as_numpy_dtype)
    check_dtype(value, dtype)
    return value


def check_dtype(initial_value: Any, dtype: Any) -> None:
    """ValueError when a symbolic value is not of the dtype that its variable was asked to have."""
    if not isinstance(initial_value, (_core.Tensor, _core.Variable)) or dtype is None:
        return
    wanted = _core.as_dtype(dtype)
    if initial_value.dtype.base_dtype != wanted.base_dtype:
        raise ValueError(f"initial_value: Tensor conversion requested dtype {wanted.name} for Tensor "
                         f"with dtype {initial_value.dtype.base_dtype.name}: {initial_value!r}")
