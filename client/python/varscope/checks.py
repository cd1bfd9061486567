"""What a run checks, where a graph is built before the numbers are known."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.ops import convert_to_tensor, expand_dims


def checked(x: Any, holds: Any, otherwise: str) -> _core.Tensor:
    """Returns x. A run raises InvalidArgumentError where `holds`, a truth, is false; `otherwise`
    is the name of the op that raises, and so says what is wrong: 'ids_are_not_in_order'.

    What uses x waits for the check, in bodies of loops and conditions too.
    """
    x = convert_to_tensor(x)
    place = _core.cast(_core.logical_not(holds), "int32")
    made = _core._gather(expand_dims(x, 0), place, otherwise)
    if x.shape.ndims is not None:
        made.set_shape(x.shape)
    return made
