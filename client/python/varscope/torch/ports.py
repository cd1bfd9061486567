"""How a tensor's values and gradients get to the store's arrays and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from varscope.slices import IndexedSlices

_HALF = (torch.float16, torch.bfloat16)


def value_of(tensor: torch.Tensor) -> Any:
    """Returns a tensor's value as an array; a half's as float32."""
    return _widened(tensor.detach()).cpu().numpy()


class Port:
    """A tensor's way to the store's arrays and back.

    On the CPU these are views of its memory. On a GPU they are a pinned copy, which the GPU reads and
    writes by itself; on other devices a copy.
    """

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor
        self.shape = tensor.shape
        self._pinned: torch.Tensor | None = None

    def dense(self) -> Any:
        gradient = self.tensor.grad.detach()
        if gradient.is_cuda:
            return _in_pinned(_widened(gradient), self._staging()).numpy()
        return _widened(gradient).cpu().numpy()

    def rows(self, name: str) -> IndexedSlices:
        gradient = self.tensor.grad.detach()
        if gradient.sparse_dim() != 1:
            raise ValueError(f"parameter '{name}': its sparse gradient has {gradient.sparse_dim()} "
                             "sparse dimensions, and rows of a variable have one")
        indices, values = gradient._indices()[0], _widened(gradient._values())
        if gradient.is_cuda:
            indices, values = (
                _in_pinned(part, torch.empty(part.shape, dtype=part.dtype, pin_memory=True))
                for part in (indices, values))
        return IndexedSlices(values.cpu().numpy(), indices.cpu().numpy())

    def leave(self) -> Any:
        tensor = _widened(self.tensor.detach())
        if tensor.is_cuda:
            return _in_pinned(tensor, self._staging()).numpy()
        return tensor.cpu().numpy()

    def arrive(self, value: Any) -> None:
        tensor = self.tensor.detach()
        if tensor.is_cuda:
            staging = self._staging()
            np.copyto(staging.numpy(), value)
            tensor.copy_(staging, non_blocking=True)
        elif tensor.device.type == "cpu" and tensor.dtype is not torch.bfloat16:
            np.copyto(tensor.numpy(), value, casting="same_kind")
            # NumPy does not tell autograd that the value is another one.
            tensor.as_strided((0,), (1,)).zero_()
        else:
            tensor.copy_(torch.from_numpy(np.array(value)))

    def _staging(self) -> torch.Tensor:
        if self._pinned is None:
            dtype = torch.float32 if self.tensor.dtype in _HALF else self.tensor.dtype
            self._pinned = torch.empty(self.shape, dtype=dtype, pin_memory=True)
        return self._pinned


def _widened(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.dtype in _HALF else tensor


def _in_pinned(tensor: torch.Tensor, staging: torch.Tensor) -> torch.Tensor:
    """Returns the staging with the tensor's value. What the stream had to do before is done, too."""
    staging.copy_(tensor, non_blocking=True)
    torch.cuda.current_stream(tensor.device).synchronize()
    return staging
