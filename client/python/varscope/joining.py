"""Several tensors at once: tf.dynamic_stitch, shape_n, identity_n and the like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from varscope import _core
from varscope.checks import checked
from varscope.counting import reduce_all
from varscope.numbers_ import is_symbolic
from varscope.ops import convert_to_tensor, expand_dims
from varscope.scopes import name_scope


def dynamic_stitch(indices: Sequence[Any], data: Sequence[Any],
                   name: str | None = None) -> _core.Tensor:
    """Returns the rows of all data at the places that indices say. A run raises InvalidArgumentError
    for a place that is there twice."""
    with name_scope(name, "DynamicStitch", [*indices, *data]) as scope:
        places, rows = [], []
        for place, part in zip(indices, data, strict=True):
            place, part = convert_to_tensor(place), convert_to_tensor(part)
            after = part.shape.as_list()[place.shape.ndims or 0:]
            places.append(_core.reshape(place, [-1]))
            rows.append(_core.reshape(part, [-1, *after]))
        all_places = _core._concat(places, 0, None)
        all_rows = _core._concat(rows, 0, None)
        count = _core.reduce_max(_core._concat([all_places, [-1]], 0, None)) + 1
        times = _core.unsorted_segment_sum(_core.ones_like(all_places), all_places, count)
        once = reduce_all(_core.less(times, 2))
        all_places = checked(all_places, once, "an_index_is_there_twice")
        shape = _core._concat([expand_dims(count, 0), _core.shape(all_rows)[1:]], 0, None)
        made = _core.scatter_nd(expand_dims(all_places, 1), all_rows, shape, scope)
        known = None if any(is_symbolic(x) for x in indices) else 1 + max(
            np.max(x, initial=-1) for x in indices)
        made.set_shape([known, *all_rows.shape.as_list()[1:]])
        return made


parallel_dynamic_stitch = dynamic_stitch


def shape_n(input: Sequence[Any], out_type: Any = "int32",
            name: str | None = None) -> list[_core.Tensor]:
    """Returns the shape of each tensor."""
    with name_scope(name, "ShapeN"):
        return [_core.shape(x, None, _core.as_dtype(out_type)) for x in input]


def identity_n(input: Sequence[Any], name: str | None = None) -> list[_core.Tensor]:
    """Returns each tensor as it is."""
    with name_scope(name, "IdentityN"):
        return [_core.identity(x) for x in input]


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> _core.Tensor:
    """Returns x, whose shape is this one, as far as it says. ValueError where it cannot be; a run
    raises InvalidArgumentError where it is not."""
    from varscope.shapes import TensorShape
    with name_scope(name, "EnsureShape", [x]) as scope:
        x, wanted = convert_to_tensor(x), TensorShape(shape)
        if not x.shape.is_compatible_with(wanted):
            raise ValueError(f"Shape {x.shape} must have the form {wanted}")
        if wanted.ndims is None or x.shape.is_fully_defined():
            return _core.identity(x, scope)
        sizes = [-1 if size is None else size for size in wanted.as_list()]
        own = _core.shape(x)
        fits = _core.equal(_core.rank(x), len(sizes)) if x.shape.ndims is None else reduce_all(
            _core.logical_or(_core.equal(own, sizes), _core.less(sizes, 0)))
        made = _core.identity(checked(x, fits, "the_shape_is_another"), scope)
        made.set_shape(wanted)
        return made


def diag_part(input: Any, name: str | None = None) -> _core.Tensor:
    """Returns the diagonal: of [a, b, a, b] the elements [i, j, i, j]."""
    with name_scope(name, "DiagPart", [input]) as scope:
        x = convert_to_tensor(input)
        dims = x.shape.as_list()
        half = dims[:len(dims) // 2]
        if len(dims) % 2 or not dims or half != dims[len(half):] or None in half:
            raise ValueError(f"diag_part: the shape is twice the same known one, not {x.shape}")
        count = 1
        for size in half:
            count *= size
        flat = _core.reshape(x, [count * count])
        places = _core._range(0, count * count, count + 1, None)
        return _core.reshape(_core._gather(flat, places, None), half, scope)


def stack(values: Any, axis: int = 0, name: str | None = None) -> _core.Tensor:
    """Returns the values one above the other. Of numbers alone, of which one is a fraction, all are
    floating."""
    if isinstance(values, (list, tuple)) and {type(x) for x in values} == {int, float}:
        values = [np.asarray(x, np.float32) for x in values]
    return _core.stack(values, axis, name)
