"""Functions over the rows of tensors: map_fn, scan, foldl, foldr."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core
from varscope.checks import checked
from varscope.control_flow import flatten, pack_like, while_loop
from varscope.counting import reduce_all
from varscope.ops import convert_to_tensor
from varscope.scopes import name_scope
from varscope.shaping import rank


class _Rows:
    """Lists of the rows of tensors, of which a loop takes one after the other."""

    def __init__(self, elems: Any, backwards: bool = False) -> None:
        self._form = elems
        whole = [convert_to_tensor(x) for x in flatten(elems)]
        if backwards:
            whole = [_core.reverse(x, [0]) for x in whole]
        self.count = _count(whole)
        self.dtypes = [x.dtype for x in whole]
        self._kinds = [(x.dtype, x.shape.as_list()[1:]) for x in whole]
        self.lists = [_core.list_of_rows(x) for x in whole]

    def pop(self, lists: list[Any]) -> tuple[list[Any], Any]:
        """Returns the lists without their next rows, and these rows."""
        rest, rows = zip(*(_core.list_pop(own, dtype, shape)
                           for own, (dtype, shape) in zip(lists, self._kinds)))
        return list(rest), pack_like(self._form, rows)


def _stacked(own: Any, dtype: Any, shape: Any, count: Any, back_prop: bool = True) -> _core.Tensor:
    """The items of a list one above the other: so many, if that is known."""
    made = _core.list_stack(own, dtype, shape)
    if isinstance(count, int) and made.shape.ndims is not None:
        made.set_shape([count, *made.shape.as_list()[1:]])
    return made if back_prop else _core.stop_gradient(made)


def _count(whole: list[_core.Tensor]) -> Any:
    """How many rows all of the tensors have. ValueError when these are not as many."""
    for x in whole:
        if rank(x) == 0:
            raise ValueError(f"elements are the rows of tensors, and {x!r} has none")
    known = {n for n in (x.shape.as_list()[0] for x in whole) if n is not None}
    if len(known) > 1:
        raise ValueError(f"Dimensions {sorted(known)} are not compatible: the tensors have not as "
                         "many rows")
    if all(x.shape.as_list()[0] is not None for x in whole):
        return known.pop()
    counts = [_core.shape(x)[0] for x in whole]
    if len(counts) == 1:
        return counts[0]
    alike = reduce_all(_core.stack([_core.equal(count, counts[0]) for count in counts]))
    return checked(counts[0], alike, "the_tensors_have_not_as_many_rows")


def map_fn(fn: Callable[[Any], Any], elems: Any, dtype: Any = None,
           parallel_iterations: int | None = None, back_prop: bool = True,
           swap_memory: bool = False, infer_shape: bool = True,
           name: str | None = None) -> Any:
    """Returns fn of each row. `dtype` has the form of what fn returns, if that is not elems'."""
    form = elems if dtype is None else dtype
    with name_scope(name, "map", flatten(elems)):
        rows = _Rows(elems)
        kinds: list[Any] = []
        wanted = rows.dtypes if dtype is None else flatten(dtype)

        def body(number: Any, lists: Any, made: Any) -> Any:
            lists, row = rows.pop(lists)
            found = flatten(fn(row))
            if len(found) != len(wanted):
                raise ValueError(f"map_fn: fn returns {len(found)} tensors, and {len(wanted)} are "
                                 "wanted")
            results = [convert_to_tensor(x, kind) for x, kind in zip(found, wanted)]
            kinds[:] = [(x.dtype, x.shape) for x in results]
            return number + 1, lists, [_core.list_push(own, x) for own, x in zip(made, results)]

        empty = [_core.list_empty() for _ in flatten(form)]
        _, _, made = while_loop(lambda number, *_: _core.less(number, rows.count), body,
                                [0, rows.lists, empty])
        return pack_like(form, [_stacked(own, kind, shape, rows.count, back_prop)
                                for own, (kind, shape) in zip(made, kinds)])


def _fold(fn: Callable[[Any, Any], Any], elems: Any, initializer: Any, back_prop: bool,
          backwards: bool, keep: bool) -> Any:
    """The accumulator after the last row; with `keep` after each row."""
    rows = _Rows(elems, backwards)
    lists, first = rows.lists, initializer
    if initializer is None:
        lists, first = rows.pop(lists)
    leaves = [convert_to_tensor(x) for x in flatten(first)]
    kept = [_core.list_empty() for _ in leaves] if keep else []
    if keep and initializer is None:
        kept = [_core.list_push(own, x) for own, x in zip(kept, leaves)]

    def body(number: Any, lists: Any, state: Any, kept: Any) -> Any:
        lists, row = rows.pop(lists)
        new = [convert_to_tensor(x) for x in flatten(fn(pack_like(first, state), row))]
        return number + 1, lists, new, [_core.list_push(own, x) for own, x in zip(kept, new)]

    start = 0 if initializer is not None else 1
    _, _, last, kept = while_loop(lambda number, *_: _core.less(number, rows.count), body,
                                  [start, lists, leaves, kept])
    if not keep:
        return pack_like(first, last if back_prop else [_core.stop_gradient(x) for x in last])
    stacked = [_stacked(own, x.dtype, x.shape, rows.count, back_prop)
               for own, x in zip(kept, last)]
    if backwards:
        stacked = [_core.reverse(x, [0]) for x in stacked]
    return pack_like(first, stacked)


def scan(fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None,
         parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False,
         infer_shape: bool = True, reverse: bool = False, name: str | None = None) -> Any:
    """Returns all accumulators: fn of the one before, and of each row."""
    with name_scope(name, "scan", flatten(elems)):
        return _fold(fn, elems, initializer, back_prop, reverse, True)


def foldl(fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None,
          parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False,
          name: str | None = None) -> Any:
    """Returns the last accumulator."""
    with name_scope(name, "foldl", flatten(elems)):
        return _fold(fn, elems, initializer, back_prop, False, False)


def foldr(fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None,
          parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False,
          name: str | None = None) -> Any:
    """Returns the same from the last row to the first."""
    with name_scope(name, "foldr", flatten(elems)):
        return _fold(fn, elems, initializer, back_prop, True, False)
