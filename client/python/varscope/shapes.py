"""TensorShape and Dimension, as TensorFlow 1 has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


class Dimension:
    """One dimension of a shape: a number, or None when it is not known."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        if isinstance(value, Dimension):
            value = value.value
        self.value = None if value is None else value.__index__()
        if self.value is not None and self.value < 0:
            raise ValueError(f"Dimension {self.value} must be >= 0")

    def is_compatible_with(self, other: Any) -> bool:
        """Returns whether both may be the same number."""
        other = Dimension(other)
        return self.value is None or other.value is None or self.value == other.value

    def merge_with(self, other: Any) -> Dimension:
        """Returns what is known of either. ValueError where they are different numbers."""
        other = Dimension(other)
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {other} are not compatible")
        return other if self.value is None else self

    def __int__(self) -> int:
        if self.value is None:
            raise TypeError("this dimension is not known before a run")
        return self.value

    __index__ = __int__

    def __eq__(self, other: Any) -> Any:
        """None where either is not known."""
        try:
            other = Dimension(other)
        except (TypeError, ValueError, AttributeError):
            return NotImplemented
        if self.value is None or other.value is None:
            return None
        return self.value == other.value

    def __ne__(self, other: Any) -> Any:
        same = self == other
        return same if same is None or same is NotImplemented else not same

    def __hash__(self) -> int:
        return hash(self.value)

    def _with(self, other: Any, compute: Any) -> Dimension:
        other = Dimension(other)
        if self.value is None or other.value is None:
            return Dimension(None)
        return Dimension(compute(self.value, other.value))

    def __add__(self, other: Any) -> Dimension:
        return self._with(other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> Dimension:
        return self._with(other, lambda a, b: a - b)

    def __mul__(self, other: Any) -> Any:
        try:
            return self._with(other, lambda a, b: a * b)
        except AttributeError:
            return NotImplemented

    def __floordiv__(self, other: Any) -> Dimension:
        return self._with(other, lambda a, b: a // b)

    def __mod__(self, other: Any) -> Dimension:
        return self._with(other, lambda a, b: a % b)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: Any) -> Dimension:
        return Dimension(other) - self

    def __lt__(self, other: Any) -> Any:
        return self._compared(other, lambda a, b: a < b)

    def __le__(self, other: Any) -> Any:
        return self._compared(other, lambda a, b: a <= b)

    def __gt__(self, other: Any) -> Any:
        return self._compared(other, lambda a, b: a > b)

    def __ge__(self, other: Any) -> Any:
        return self._compared(other, lambda a, b: a >= b)

    def _compared(self, other: Any, compare: Any) -> Any:
        other = Dimension(other)
        if self.value is None or other.value is None:
            return None
        return compare(self.value, other.value)

    def __str__(self) -> str:
        return "?" if self.value is None else str(self.value)

    def __repr__(self) -> str:
        return f"Dimension({self.value})"


class TensorShape:
    """The shape of a tensor: of unknown rank, or a list of dimensions, which may be unknown."""

    __slots__ = ("_dims",)

    def __init__(self, dims: Any) -> None:
        known = dims_of(dims)
        self._dims = None if known is None else [None if n < 0 else n for n in known]

    @property
    def dims(self) -> list[Dimension] | None:
        return None if self._dims is None else [Dimension(n) for n in self._dims]

    @property
    def ndims(self) -> int | None:
        return None if self._dims is None else len(self._dims)

    rank = ndims

    def as_list(self) -> list[int | None]:
        if self._dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self._dims)

    def is_fully_defined(self) -> bool:
        return self._dims is not None and None not in self._dims

    def num_elements(self) -> int | None:
        if not self.is_fully_defined():
            return None
        count = 1
        for n in self._dims:
            count *= n
        return count

    def is_compatible_with(self, other: Any) -> bool:
        other = TensorShape(other)
        if self._dims is None or other._dims is None:
            return True
        return len(self._dims) == len(other._dims) and all(
            a is None or b is None or a == b for a, b in zip(self._dims, other._dims))

    def merge_with(self, other: Any) -> TensorShape:
        """Returns what is known of either. ValueError where they do not fit."""
        other = TensorShape(other)
        self.assert_is_compatible_with(other)
        if self._dims is None or other._dims is None:
            return other if self._dims is None else self
        return TensorShape([b if a is None else a for a, b in zip(self._dims, other._dims)])

    def assert_is_compatible_with(self, other: Any) -> None:
        """ValueError where two shapes do not fit."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {TensorShape(other)} are incompatible")

    def assert_is_fully_defined(self) -> None:
        """ValueError where something is not known."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def assert_has_rank(self, rank: int) -> None:
        """ValueError for another number of dimensions."""
        self.with_rank(rank)

    def assert_same_rank(self, other: Any) -> None:
        """ValueError where two shapes have not as many dimensions."""
        other = TensorShape(other)
        if self.ndims is not None and other.ndims is not None and self.ndims != other.ndims:
            raise ValueError(f"Shapes {self} and {other} must have the same rank")

    def with_rank(self, rank: int) -> TensorShape:
        """Returns the shape, of so many dimensions. ValueError where it has not so many."""
        if self._dims is not None and len(self._dims) != rank:
            raise ValueError(f"Shape {self} must have rank {rank}")
        return TensorShape([None] * rank) if self._dims is None else self

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """Returns the shape. ValueError where it has fewer dimensions."""
        if self._dims is not None and len(self._dims) < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """Returns the shape. ValueError where it has more dimensions."""
        if self._dims is not None and len(self._dims) > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def __len__(self) -> int:
        if self._dims is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._dims)

    def __bool__(self) -> bool:
        return self._dims is not None

    def __iter__(self) -> Iterator[Dimension]:
        if self._dims is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return iter([Dimension(n) for n in self._dims])

    def __getitem__(self, key: Any) -> Any:
        if self._dims is None:
            return TensorShape(None) if isinstance(key, slice) else Dimension(None)
        return TensorShape(self._dims[key]) if isinstance(key, slice) else Dimension(self._dims[key])

    def __eq__(self, other: Any) -> bool:
        try:
            other = TensorShape(other)
        except TypeError:
            return NotImplemented
        return self._dims == other._dims

    def __hash__(self) -> int:
        return hash(None if self._dims is None else tuple(self._dims))

    def concatenate(self, other: Any) -> TensorShape:
        other = TensorShape(other)
        if self._dims is None or other._dims is None:
            return TensorShape(None)
        return TensorShape(self._dims + other._dims)

    def __str__(self) -> str:
        if self._dims is None:
            return "<unknown>"
        if len(self._dims) == 1:
            return f"({_shown(self._dims[0])},)"
        return "(" + ", ".join(map(_shown, self._dims)) + ")"

    def __repr__(self) -> str:
        if self._dims is None:
            return "TensorShape(None)"
        return "TensorShape([" + ", ".join(f"Dimension({n})" for n in self._dims) + "])"


def _shown(n: int | None) -> str:
    return "?" if n is None else str(n)


def _dim(n: Any) -> int:
    if isinstance(n, Dimension):
        n = n.value
    if n is None:
        return -1
    number = n.__index__()
    if number < -1:
        raise ValueError(f"Dimension {number} must be >= 0")
    return number


def dims_of(shape: Any) -> list[int] | None:
    """Returns a shape's dimensions, -1 for those that are not known; None for an unknown rank."""
    if shape is None:
        return None
    if isinstance(shape, TensorShape):
        return None if shape._dims is None else [-1 if n is None else n for n in shape._dims]
    try:
        if isinstance(shape, Iterable):
            return [_dim(n) for n in shape]
        return [_dim(shape)]
    except AttributeError:
        raise TypeError(f"{shape!r} is no shape: it needs numbers and None") from None


def unknown_shape(rank: int | None = None, ndims: int | None = None) -> TensorShape:
    """Returns a shape of which nothing is known, or how many dimensions it has."""
    count = ndims if rank is None else rank
    return TensorShape(None if count is None else [None] * count)


def as_shape(shape: Any) -> TensorShape:
    """Returns a shape as a TensorShape."""
    return shape if isinstance(shape, TensorShape) else TensorShape(shape)


def scalar() -> TensorShape:
    """Returns the shape of a number."""
    return TensorShape([])


def vector(length: int | None) -> TensorShape:
    """Returns the shape of a list of this length."""
    return TensorShape([length])
