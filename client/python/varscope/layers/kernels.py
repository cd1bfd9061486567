"""What layers' objects say of the variables that most of them have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from varscope import _core


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
