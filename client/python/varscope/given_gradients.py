"""Gradients that a program gives: tf.custom_gradient, tf.RegisterGradient and gradient_override_map."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from varscope import _core
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope

_Gradient = Callable[..., Any]

# By the names that programs give them.
_registered: dict[str, _Gradient] = {"Identity": lambda op, *grads: grads}


class RegisterGradient:
    """A decorator: gives a gradient function, of the op and of its outputs' gradients, a name. KeyError
    for a name that is taken."""

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._name = op_type

    def __call__(self, f: _Gradient) -> _Gradient:
        if self._name in _registered:
            raise KeyError(f"Registering two gradient with name '{self._name}'! (Previous "
                           "registration was in varscope.given_gradients)")
        _registered[self._name] = f
        return f


def _listed(x: Any) -> list[Any]:
    return list(x) if isinstance(x, (list, tuple)) else [x]


def _give(op: _core.Operation, function: _Gradient) -> None:
    """Has a function of the op and of its outputs' gradients make those of its inputs."""
    name = op.name  # the op itself would keep the graph, which keeps the function

    def gradients(dys: list[Any]) -> list[Any]:
        own = _core.get_default_graph().get_operation_by_name(name)
        filled = [_core.zeros_like(y) if dy is None else dy for y, dy in zip(own.outputs, dys)]
        return [None if x is None else convert_to_tensor(x)
                for x in _listed(function(own, *filled))]

    _core._give_gradient(op, gradients)


class gradient_override_map:
    """A block in which ops of these types get the gradients of these names. Graph's method."""

    def __init__(self, graph: _core.Graph, op_type_map: Mapping[str, str]) -> None:
        self._graph = graph
        self._names = dict(op_type_map)
        for name in self._names.values():
            if not isinstance(name, str):
                raise TypeError("op_type_map must be a dictionary of strings to strings")
        self._before: list[int] = []

    def __enter__(self) -> None:
        self._before.append(len(self._graph.get_operations()))

    def __exit__(self, *_: Any) -> None:
        for op in self._graph.get_operations()[self._before.pop():]:
            name = self._names.get(op.type)
            if name is None:
                continue
            if name not in _registered:
                raise LookupError(f"gradient registry has no entry for: {name}")
            _give(op, _registered[name])


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function, which returns tensors and a gradient function, one whose tensors have this
    gradient: that of the arguments, from those of the tensors."""

    @functools.wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        inputs = [_core.identity(convert_to_tensor(x)) for x in args]
        made, gradient = f(*inputs, **kwargs)
        results = [convert_to_tensor(x) for x in _listed(made)]
        with name_scope("IdentityN") as scope:
            given = _with_gradient(results, inputs, gradient, scope)
        return type(made)(given) if isinstance(made, (list, tuple)) else given[0]

    return decorated


def _with_gradient(results: list[Any], inputs: list[Any], gradient: _Gradient,
                   scope: str) -> list[_core.Tensor]:
    """The results, which pass through one op that has the gradient: several of them as one vector."""
    packed = results[0] if len(results) == 1 else _core._concat(
        [_core.reshape(x, [-1]) for x in _of_one_dtype(results)], 0, None)
    op = _core._add_op(scope.rstrip("/") + "/result", "Identity", [packed, *inputs], [], {},
                       [(packed.dtype, packed.shape)], None, [], None, [])
    forms = [(x, x.shape) for x in results]

    def gradients(own: _core.Operation, dy: Any) -> list[Any]:
        dys = [dy] if len(forms) == 1 else _parts(dy, forms)
        return [None, *_checked(_listed(gradient(*dys)), len(inputs))]

    _give(op, gradients)
    return [op.outputs[0]] if len(forms) == 1 else _parts(op.outputs[0], forms)


def _of_one_dtype(results: list[Any]) -> list[Any]:
    if any(x.dtype != results[0].dtype for x in results):
        raise NotImplementedError("custom_gradient: varscope has it for results of one dtype, not "
                                  f"{[x.dtype.name for x in results]}")
    return results


def _parts(packed: Any, forms: list[Any]) -> list[_core.Tensor]:
    """The tensors of which a vector has the elements, in these forms."""
    parts, at = [], convert_to_tensor(0)
    for like, shape in forms:
        end = at + _core.size(like)
        part = _core._reshape_to(packed[at:end], _core.shape(like), None)
        part.set_shape(shape)
        parts.append(part)
        at = end
    return parts


def _checked(gradients: list[Any], count: int) -> list[Any]:
    if len(gradients) != count:
        raise ValueError(f"custom_gradient function expected to return {count} gradients, but "
                         f"returned {len(gradients)} instead.")
    return gradients


def _override(self: _core.Graph, op_type_map: Mapping[str, str]) -> gradient_override_map:
    """A block in which ops of these types get the registered gradients of these names."""
    return gradient_override_map(self, op_type_map)


_core.Graph.gradient_override_map = _override
