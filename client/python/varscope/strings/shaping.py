"""Ops that tensors of strings have as tensors of numbers do: tf.concat, tf.reshape, tf.equal, ..."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numpy as np

from varscope import _core
from varscope.numbers_ import is_symbolic
from varscope.strings.tensors import StringTensor, computed, dims_of, string, to_text

_Function = TypeVar("_Function", bound=Callable[..., Any])
_INT32 = _core.as_dtype("int32")
_BOOL = _core.as_dtype("bool")


def _has_text(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(_has_text(item) for item in x)
    return isinstance(x, StringTensor)


def texts_too(function: _Function, of_texts: Callable[..., Any]) -> _Function:
    """Returns a function that is `of_texts` for tensors of strings, and else the given one."""

    @functools.wraps(function)
    def either(*arguments: Any, **keywords: Any) -> Any:
        if _has_text(arguments) or _has_text(tuple(keywords.values())):
            return of_texts(*arguments, **keywords)
        return function(*arguments, **keywords)

    return cast(_Function, either)


def _made(name: str, function: Callable[..., Any], texts: Sequence[Any], others: Sequence[Any] = (),
          dtype: Any = string) -> Any:
    """What a function of NumPy's makes of texts, as arrays of objects, and of other values."""

    def of_arrays(*values: Any) -> Any:
        arrays = [np.asarray(x, object) for x in values[:len(texts)]]
        made = np.asarray(function(*arrays, *values[len(texts):]))
        return made[()] if dtype is string else made

    texts = [to_text(x) for x in texts]
    return computed(name, of_arrays, [*texts, *others], _dims(of_arrays, texts, others), dtype)


def _dims(function: Callable[..., Any], texts: Sequence[Any], others: Sequence[Any]) -> Any:
    """The shape of what is made, where those of the texts are known, and all other values."""
    shapes = [dims_of(x) for x in texts]
    if any(dims is None or -1 in dims for dims in shapes) or any(map(is_symbolic, others)):
        return None
    return list(np.shape(function(*[np.full(dims, b"", object) for dims in shapes], *others)))


def _whole(x: Any) -> Any:
    """Places or sizes that a run has as int."""
    return x if is_symbolic(x) else np.asarray(x)


def concat(values: Any, axis: int, name: str | None = None) -> StringTensor:
    """The texts one after the other along an axis."""
    return _made(name or "concat", lambda *x: np.concatenate(x, axis), list(values))


def stack(values: Any, axis: int = 0, name: str | None = None) -> StringTensor:
    """The texts one above the other."""
    return _made(name or "stack", lambda *x: np.stack(x, axis), list(values))


def reshape(tensor: Any, shape: Any, name: str | None = None) -> StringTensor:
    """The texts in another shape."""
    return _made(name or "Reshape", lambda x, dims: x.reshape([int(n) for n in dims]), [tensor],
                 [_whole(shape)])


def expand_dims(input: Any, axis: Any = None, name: str | None = None,
                dim: Any = None) -> StringTensor:
    """The texts with one more dimension."""
    place = dim if axis is None else axis
    return _made(name or "ExpandDims", lambda x: np.expand_dims(x, place), [input])


def squeeze(input: Any, axis: Any = None, name: str | None = None,
            squeeze_dims: Any = None) -> StringTensor:
    """The texts without dimensions of one."""
    places = squeeze_dims if axis is None else axis
    places = tuple(places) if isinstance(places, (list, tuple)) else places
    return _made(name or "Squeeze", lambda x: np.squeeze(x, places), [input])


def gather(params: Any, indices: Any, validate_indices: bool | None = None, name: str | None = None,
           axis: int | None = None, batch_dims: int = 0) -> StringTensor:
    """The texts at these places."""
    return _made(name or "GatherV2", lambda x, places: np.take(x, places, axis or 0), [params],
                 [_whole(indices)])


def tile(input: Any, multiples: Any, name: str | None = None) -> StringTensor:
    """The texts several times."""
    return _made(name or "Tile", lambda x, times: np.tile(x, times), [input], [_whole(multiples)])


def reverse(tensor: Any, axis: Any, name: str | None = None) -> StringTensor:
    """The texts from their ends."""
    return _made(name or "ReverseV2", lambda x: np.flip(x, tuple(axis)), [tensor])


def identity(input: Any, name: str | None = None) -> StringTensor:
    """The same texts."""
    return _made(name or "Identity", lambda x: x, [input])


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> StringTensor:
    """Texts of one or of the other."""
    return _made(name or "Select", lambda a, b, chosen: np.where(chosen, a, b), [x, y],
                 [_whole(condition)])


def size(input: Any, name: str | None = None, out_type: Any = _INT32) -> _core.Tensor:
    """How many texts there are."""
    return _made(name or "Size", lambda x: np.asarray(x.size, out_type.as_numpy_dtype), [input],
                 dtype=out_type)


def shape(input: Any, name: str | None = None, out_type: Any = _INT32) -> _core.Tensor:
    """The shape of the texts."""
    return _made(name or "Shape", lambda x: np.asarray(x.shape, out_type.as_numpy_dtype), [input],
                 dtype=out_type)


def equal(x: Any, y: Any, name: str | None = None) -> _core.Tensor:
    """Which texts are the same."""
    return _made(name or "Equal", lambda a, b: np.asarray(a == b, bool), [x, y], dtype=_BOOL)


def not_equal(x: Any, y: Any, name: str | None = None) -> _core.Tensor:
    """Which texts differ."""
    return _made(name or "NotEqual", lambda a, b: np.asarray(a != b, bool), [x, y], dtype=_BOOL)
