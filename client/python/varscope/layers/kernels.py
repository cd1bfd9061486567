"""What layers' objects say of the variables that most of them have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from varscope import _core
from varscope.collections_ import GraphKeys, get_collection


def named(weights: Iterable[_core.Variable], name: str) -> Any:
    """Returns the first that is called so in its scope; None where there is none, or none yet."""
    return next((v for v in weights if v.op.name.rpartition("/")[2] == name), None)


class KernelAndBias:
    """The base of layers that may have a matrix, or filters, and biases."""

    weights: Any  # a list of variables

    @property
    def kernel(self) -> Any:
        """The matrix, or the filters; None where there are none, or none yet."""
        return named(self.weights, "kernel")

    @property
    def bias(self) -> Any:
        """What is added; None where nothing is."""
        return named(self.weights, "bias")


class LayerObject:
    """The base of layers as objects: what they say of themselves."""

    _default = ""  # the name, where the program gives none
    weights: Any

    def __init__(self, name: str | None = None) -> None:
        self._name = name
        self._scope: _core.VariableScope | None = None

    @property
    def name(self) -> str:
        """The last part of its scope's name."""
        if self._scope is None:
            return self._name or self._default
        return self._scope.name.rpartition("/")[2]

    @property
    def built(self) -> bool:
        """Whether it has its variables."""
        return self._scope is not None

    @property
    def losses(self) -> list[Any]:
        """What its regularizers add to the loss."""
        return self._of_its_own(GraphKeys.REGULARIZATION_LOSSES)

    def count_params(self) -> int:
        """Returns how many numbers its variables have. ValueError before the first call."""
        if self._scope is None:
            raise ValueError(f"You tried to call `count_params` on {self.name}, but the layer isn't "
                             "built: call it with inputs first")
        return sum(v.shape.num_elements() for v in self.weights)

    def _of_its_own(self, collection: str) -> list[Any]:
        name = "" if self._scope is None else self._scope.name + "/"
        return [item for item in get_collection(collection)
                if name and item.name.startswith(name)]
