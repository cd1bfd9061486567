"""What a tensor of strings is: values that Python has for a run, before the graph's ops run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from varscope import _core, shapes
from varscope.feeders import Run, Source, feed_from
from varscope.scopes import name_scope


class StringDType:
    """tf.string."""

    name = "string"
    as_numpy_dtype = np.object_
    is_floating = is_integer = is_complex = is_bool = False

    @property
    def base_dtype(self) -> StringDType:
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StringDType) or other in ("string", str, bytes)

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return "tf.string"


string = StringDType()


def is_string(dtype: Any) -> bool:
    """Whether a dtype is that of strings."""
    return isinstance(dtype, StringDType) or dtype is str or dtype is bytes or (
        isinstance(dtype, str) and dtype == "string")


class StringTensor:
    """Strings of bytes that each run computes anew: one, or an array of them."""

    dtype = string

    def __init__(self, name: str, dims: list[int] | None, source: Source, index: int = 0) -> None:
        self._name = name
        self._dims = dims
        self.source, self.index = source, index

    @property
    def name(self) -> str:
        return self._name + ":0"

    @property
    def op(self) -> StringTensor:
        return self

    @property
    def shape(self) -> shapes.TensorShape:
        return shapes.TensorShape(self._dims)

    def get_shape(self) -> shapes.TensorShape:
        """Returns the shape."""
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Adds what is known of the shape."""
        self._dims = shapes.dims_of(shape)

    def value(self, run: Run) -> Any:
        """Returns the strings that a run has."""
        if self.name in run.texts:
            return bytes_of(run.texts[self.name])
        return run.value(self.source, self.index)

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Returns its value in the session, or in the default one."""
        from varscope.session import session_for
        return session_for("eval()", session).run(self, feed_dict)

    def __add__(self, other: Any) -> StringTensor:
        return computed("add", _joined_two, [self, other])

    def __radd__(self, other: Any) -> StringTensor:
        return computed("add", _joined_two, [other, self])

    def __getitem__(self, key: Any) -> StringTensor:
        known = self._dims is not None and -1 not in self._dims
        dims = list(np.shape(np.empty(self._dims, object)[key])) if known else None
        return computed("strided_slice", lambda text: text[key], [self], dims)

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={_shown(self._dims)} dtype=string>"

    def __str__(self) -> str:
        return f"Tensor(\"{self.name}\", shape={_shown(self._dims)}, dtype=string)"


def _shown(dims: list[int] | None) -> str:
    if dims is None:
        return "<unknown>"
    known = ["?" if dim < 0 else str(dim) for dim in dims]
    return f"({', '.join(known)}{',' if len(known) == 1 else ''})"


def bytes_of(value: Any) -> Any:
    """Returns texts as bytes: one, or an array of objects. TypeError for what is no text."""
    array = np.asarray(value, dtype=object)
    found = np.empty(array.shape, dtype=object)
    for place, text in np.ndenumerate(array):
        found[place] = _bytes(text)
    return found[()] if found.ndim == 0 else found


def _bytes(text: Any) -> bytes:
    if isinstance(text, str):
        return text.encode()
    if isinstance(text, bytes):
        return text
    raise TypeError(f"Expected string, got {text!r} of type '{type(text).__name__}' instead.")


def is_text(value: Any) -> bool:
    """Whether a value, or the first item of lists in lists, is text."""
    while isinstance(value, (list, tuple)) and len(value):
        value = value[0]
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "SU" or (
            value.dtype == object and value.size > 0 and isinstance(value.flat[0], (str, bytes)))
    return isinstance(value, (str, bytes, StringTensor))


class Constant(Source):
    """The same strings in each run."""

    def __init__(self, value: Any) -> None:
        self.text = bytes_of(value)

    def take(self, run: Run) -> list[Any]:
        return [self.text]


class _Placeholder(Source):
    """Nothing: what a run is to be fed."""

    def __init__(self, name: str) -> None:
        self._name = name

    def take(self, run: Run) -> list[Any]:
        raise ValueError(f"You must feed a value for placeholder tensor '{self._name}' with dtype "
                         "string")


class Computed(Source):
    """What a function makes of other values of the run: strings, tensors of the graph, constants."""

    def __init__(self, function: Callable[..., list[Any]], inputs: Sequence[Any]) -> None:
        self._function = function
        self._inputs = [_kept(x) for x in inputs]

    def take(self, run: Run) -> list[Any]:
        return self._function(*[x(run) for x in self._inputs])


def _kept(x: Any) -> Callable[[Run], Any]:
    """Gives an input's value in a run. Of a tensor the name is kept: it would keep the graph."""
    if isinstance(x, StringTensor):
        return x.value
    if isinstance(x, _core.Variable):
        x = x._unordered_value()
    if isinstance(x, _core.Tensor):
        name = x.name
        return lambda run: run.session.run_inside(run, name)
    if isinstance(x, (list, tuple)):
        parts = [_kept(part) for part in x]
        return lambda run: [part(run) for part in parts]
    value = bytes_of(x) if is_text(x) else x
    return lambda run: value


def scoped(name: str) -> str:
    """Returns the name of a new op."""
    with name_scope(name) as scope:
        return scope.rstrip("/")


def text_constant(value: Any, name: str | None = None) -> StringTensor:
    """Returns strings that are always the same."""
    source = Constant(value)
    return StringTensor(scoped(name or "Const"), list(np.shape(source.text)), source)


def text_placeholder(shape: Any = None, name: str | None = None) -> StringTensor:
    """Returns strings that a run is fed."""
    own = scoped(name or "Placeholder")
    return StringTensor(own, shapes.dims_of(shape), _Placeholder(own))


def to_text(x: Any, name: str | None = None) -> StringTensor:
    """Returns a tensor of strings as it is, text as a constant, and lists with tensors among their
    items as one tensor."""
    if isinstance(x, StringTensor):
        return x
    if isinstance(x, (list, tuple)) and any(isinstance(item, StringTensor) for item in _leaves(x)):
        parts = [to_text(item) for item in x]
        first = parts[0]._dims
        return computed(name or "stack", lambda *texts: np.stack([np.asarray(t, object) for t in texts]),
                        parts, None if first is None else [len(parts), *first])
    return text_constant(x, name)


def _leaves(x: Any) -> Any:
    for item in x:
        if isinstance(item, (list, tuple)):
            yield from _leaves(item)
        else:
            yield item


def dims_of(x: Any) -> list[int] | None:
    """Returns what is known of the shape of anything that an op takes."""
    if isinstance(x, (StringTensor, _core.Tensor)):
        return x._dims
    if isinstance(x, _core.Variable):
        return x._unordered_value()._dims
    return list(np.shape(x))


def outputs(source: Source, specs: Sequence[tuple[Any, list[int] | None]],
            name: str) -> list[Any]:
    """Returns tensors of a source's values; `specs` are the dtype and the shape of each."""
    with name_scope(name) as scope:
        own = scope.rstrip("/")
        return [_output(source, index, dtype, dims, own)
                for index, (dtype, dims) in enumerate(specs)]


def _output(source: Source, index: int, dtype: Any, dims: list[int] | None, scope: str) -> Any:
    if is_string(dtype):
        return StringTensor(scope if index == 0 else f"{scope}_{index}", dims, source, index)
    # The first has the name of the op that it stands for.
    name = f"{scope}/" if index == 0 else f"output_{index}"
    return feed_from(source, index, _core.placeholder(dtype, dims, name))


def computed(name: str, function: Callable[..., Any], inputs: Sequence[Any],
             dims: list[int] | None = None, dtype: Any = string) -> Any:
    """Returns the one tensor that a function makes of the inputs' values in a run."""
    source = Computed(lambda *values: [function(*values)], inputs)
    return outputs(source, [(dtype, dims)], name)[0]


def each(function: Callable[[bytes], Any], dtype: Any = object) -> Callable[[Any], Any]:
    """Returns a function of arrays of strings, which applies the given one to each string."""

    def over(text: Any) -> Any:
        if not isinstance(text, np.ndarray):
            return function(text)
        found = np.empty(text.shape, dtype=dtype)
        for place, one in np.ndenumerate(text):
            found[place] = function(one)
        return found

    return over


def _joined_two(left: Any, right: Any) -> Any:
    return np.asarray(left, object) + np.asarray(right, object)
