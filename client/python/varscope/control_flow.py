"""tf.cond, tf.case and tf.while_loop: what a run does once, several times or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from varscope import _core
from varscope.ops import convert_to_tensor
from varscope.scopes import control_dependencies, name_scope


def flatten(structure: Any) -> list[Any]:
    """Returns the leaves of tuples, lists and dictionaries, these in the order of their keys; of a
    TensorArray its own."""
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in flatten(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [leaf for part in structure for leaf in flatten(part)]
    if hasattr(structure, "with_leaves"):
        return list(structure.leaves())
    return [structure]


def pack_like(structure: Any, leaves: Iterable[Any]) -> Any:
    """Returns the leaves in the form that flatten() had them from."""
    return _packed(structure, iter(leaves))


def _packed(structure: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(structure, dict):
        packed = {key: _packed(structure[key], leaves) for key in sorted(structure)}
        return type(structure)((key, packed[key]) for key in structure)
    if isinstance(structure, (list, tuple)):
        parts = [_packed(part, leaves) for part in structure]
        # A named tuple takes its fields as arguments.
        return type(structure)(*parts) if hasattr(structure, "_fields") else type(structure)(parts)
    if hasattr(structure, "with_leaves"):
        return structure.with_leaves([next(leaves) for _ in structure.leaves()])
    return next(leaves)


class _Depth(threading.local):
    """How many bodies a thread is in."""

    count = 0


_depth = _Depth()


def is_inside() -> bool:
    """Whether ops that are made now belong to a branch or to a loop."""
    return _depth.count > 0


class _Body:
    """Ops go to a body between __enter__ and the end of the block."""

    def __init__(self, token: _core.BodyToken) -> None:
        self.token = token
        self._ended = False

    def __enter__(self) -> _Body:
        _depth.count += 1
        return self

    def end(self, results: list[Any]) -> None:
        _core._end_body(self.token, results)
        self._ended = True

    def __exit__(self, *_: Any) -> None:
        _depth.count -= 1
        if not self._ended:
            _core._abandon_body(self.token)


def _result(value: Any) -> _core.Tensor:
    """What a branch returns as a tensor; of an operation one that waits for it."""
    if isinstance(value, _core.Operation):
        with control_dependencies([value]):
            return _core.identity(convert_to_tensor(True), "control_dependency")
    return convert_to_tensor(value)


def _branch(fn: Callable[[], Any]) -> tuple[_core.BodyToken, Any]:
    if not callable(fn):
        raise TypeError(f"cond: {fn!r} must be callable.")
    with _Body(_core._begin_branch()) as body:
        structure = fn()
        body.end([_result(leaf) for leaf in flatten(structure) if leaf is not None])
        return body.token, structure


def cond(pred: Any, true_fn: Any = None, false_fn: Any = None, strict: bool = False,
         name: str | None = None, fn1: Any = None, fn2: Any = None) -> Any:
    """Returns what true_fn returns where pred is true in a run, else what false_fn returns."""
    true_fn, false_fn = true_fn or fn1, false_fn or fn2
    if isinstance(pred, bool):
        raise TypeError("pred must not be a Python bool")
    dims = getattr(pred, "shape", None)
    if isinstance(pred, (_core.Tensor, _core.Variable)) and dims is not None and (
            dims.ndims not in (None, 0)):
        raise ValueError(f"pred must be a scalar, not of the shape {dims}")
    with name_scope(name, "cond", [pred]):
        then, structure = _branch(true_fn)
        otherwise, other = _branch(false_fn)
        merged = _core._make_cond(pred, then, otherwise)
    for one, two in [(structure, other), (other, structure)]:
        if (one is None) != (two is None):
            raise ValueError("true_fn and false_fn must both return something, or nothing.")
    _check_form(structure, other)
    if structure is None:
        return None
    values = iter(merged)
    leaves = [None if leaf is None else next(values) for leaf in flatten(structure)]
    if not strict and isinstance(structure, (list, tuple)) and len(structure) == len(leaves) == 1:
        return leaves[0]
    return pack_like(structure, leaves)


def _check_form(one: Any, two: Any) -> None:
    """ValueError where branches return dictionaries of other keys, or lists of other lengths."""
    if isinstance(one, dict) or isinstance(two, dict):
        if not (isinstance(one, dict) and isinstance(two, dict)) or set(one) != set(two):
            raise ValueError("Incompatible return values of true_fn and false_fn: they are "
                             f"dictionaries of other keys, {one!r} and {two!r}")
        for key in one:
            _check_form(one[key], two[key])
    elif isinstance(one, (list, tuple)) and isinstance(two, (list, tuple)):
        if len(one) != len(two):
            raise ValueError("Incompatible return values of true_fn and false_fn: they have "
                             f"{len(one)} and {len(two)} items")
        for first, second in zip(one, two):
            _check_form(first, second)


def smart_cond(pred: Any, fn1: Callable[[], Any] | None = None,
               fn2: Callable[[], Any] | None = None, name: str | None = None,
               true_fn: Callable[[], Any] | None = None,
               false_fn: Callable[[], Any] | None = None) -> Any:
    """Returns what one of two functions makes, where Python knows which; else as cond()."""
    first, second = fn1 or true_fn, fn2 or false_fn
    if not isinstance(pred, (_core.Tensor, _core.Variable)):
        return first() if pred else second()
    from varscope.tensor_protos import constant_value
    known = constant_value(pred)
    if known is not None:
        return first() if known else second()
    return cond(pred, first, second, name=name)


def case(pred_fn_pairs: Any, default: Any = None, exclusive: bool = False, strict: bool = False,
         name: str = "case") -> Any:
    """Returns what the function beside the first true predicate returns, else what default
    returns. A run ends where no predicate is true and there is no default, or, if `exclusive`,
    where several are."""
    pairs = list(pred_fn_pairs.items() if isinstance(pred_fn_pairs, dict) else pred_fn_pairs)
    if not pairs:
        raise ValueError("case: pred_fn_pairs is empty.")

    def nested(number: int) -> Any:
        if number == len(pairs):
            return otherwise()
        pred, fn = pairs[number]
        return cond(pred, fn, lambda: nested(number + 1), strict=strict)

    with name_scope(name):
        pairs, otherwise = _checked(pairs, default, exclusive)
        return nested(0)


def _checked(pairs: list[Any], default: Any, exclusive: bool) -> tuple[list[Any], Any]:
    """The pairs whose predicates are tested, and what is left when none is true."""
    from varscope.assertions import Assert
    if default is not None and not exclusive:
        return pairs, default
    count = _core.reduce_sum(_core.stack([_core.cast(pred, "int32") for pred, _ in pairs]))
    after = []
    if default is None:
        after.append(Assert(_core.greater(count, 0), ["None of conditions evaluated as True."]))
    if exclusive:
        after.append(Assert(_core.less(count, 2), [
            "More than one condition evaluated as True but exclusive=True."]))
    with control_dependencies(after):
        pairs = [(_core.identity(convert_to_tensor(pred)), fn) for pred, fn in pairs]
    if default is not None:
        return pairs, default
    (last, fn), others = pairs[-1], pairs[:-1]

    def only() -> Any:
        with control_dependencies([last.op]):
            return pack_like(made := fn(), [_core.identity(_result(x)) for x in flatten(made)])

    return others, fn if others else only


def while_loop(cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any,
               shape_invariants: Any = None, parallel_iterations: int = 10,
               back_prop: bool = True, swap_memory: bool = False, name: str | None = None,
               maximum_iterations: Any = None, return_same_structure: bool = False) -> Any:
    """Returns loop_vars after body has made new ones of them as long as cond of them is true."""
    if not loop_vars:
        raise ValueError("No loop variables provided")
    if not callable(cond):
        raise TypeError("cond must be callable.")
    if not callable(body):
        raise TypeError("body must be callable.")
    whether, make = cond, body
    structure = list(loop_vars) if isinstance(loop_vars, (list, tuple)) else [loop_vars]
    invariants = None if shape_invariants is None else _flat_shapes(shape_invariants, structure)
    limited = maximum_iterations is not None
    with name_scope(name, "while", flatten(structure)):
        first = [convert_to_tensor(leaf) for leaf in flatten(structure)]
        if limited:
            first.append(_core._constant(0, "int32", "iteration_counter"))
            invariants = None if invariants is None else invariants + [[]]
        token, given = _core._begin_loop_part(first, invariants, "Merge")
        with _Body(token) as condition:
            count = given.pop() if limited else None
            more = convert_to_tensor(whether(*pack_like(structure, given)))
            if limited:
                more = _core.logical_and(more, _core.less(count, maximum_iterations))
            condition.end([more])
        token, given = _core._begin_loop_part(first, invariants, "Identity")
        with _Body(token) as next_round:
            count = given.pop() if limited else None
            results = make(*pack_like(structure, given))
            as_tuple = type(results) is tuple  # what the loop returns has the form of what body does
            results = [convert_to_tensor(leaf) for leaf in
                       flatten(list(results) if isinstance(results, (list, tuple)) else [results])]
            next_round.end(results + ([_core.add(count, 1)] if limited else []))
        exits = _core._make_loop(first, condition.token, next_round.token)
        if not back_prop:
            exits = [_core.stop_gradient(leaf) for leaf in exits]
    packed = pack_like(structure, exits[:-1] if limited else exits)
    if len(structure) == 1 and not return_same_structure:
        return packed[0]
    return tuple(packed) if as_tuple else packed


def _flat_shapes(shapes: Any, structure: Any) -> list[Any]:
    """As many shapes as there are leaves: a shape has the place of a leaf."""
    if isinstance(structure, (list, tuple)):
        return [shape for part, own in zip(shapes, structure)
                for shape in _flat_shapes(part, own)]
    if isinstance(structure, dict):
        return [shape for key in sorted(structure)
                for shape in _flat_shapes(shapes[key], structure[key])]
    if hasattr(structure, "with_leaves"):
        return [leaf.shape for leaf in structure.leaves()]
    return [shapes]
