"""Where a parameter says which module it is shared with."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from varscope.torch.modules import SharedModule

_MARK = "_varscope"


class _Mark:
    """A parameter's module and name. A copy of the parameter, a pickled one too, has nothing in its
    place: what torch.load() takes in any mode."""

    def __init__(self, shared: SharedModule, name: str, tensor: torch.Tensor) -> None:
        self.shared, self.name, self.tensor = shared, name, tensor

    def __reduce__(self) -> Any:
        return collections.OrderedDict, ()


def mark(tensor: torch.Tensor, shared: SharedModule, name: str) -> None:
    """Notes that the parameter is shared with the module, under this name."""
    setattr(tensor, _MARK, _Mark(shared, name, tensor))


def module_of(tensor: torch.Tensor) -> tuple[SharedModule, str] | None:
    """The module that a parameter is shared with, and its name there."""
    found = getattr(tensor, _MARK, None)
    # A shallow copy of a parameter has its attributes.
    if isinstance(found, _Mark) and found.tensor is tensor:
        return found.shared, found.name
    return None
