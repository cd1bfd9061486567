"""How a tensor's values and gradients get to the store's arrays and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from varscope.slices import IndexedSlices

_HALF = (torch.float16, torch.bfloat16)


def value_of(tensor: torch.Tensor) -> Any:
    """Returns a tensor's value as an array; a half's as float32."""
    return _widened(tensor.detach()).cpu().numpy()


def await_gpus(tensors: Iterable[torch.Tensor]) -> None:
    """Waits until copies that are under way between these tensors' GPUs and pinned memory are done."""
    for device in {tensor.device for tensor in tensors if _is_on_gpu(tensor)}:
        _await_stream(device)


class Port:
    """A tensor's way to the store's arrays and back.

    On the CPU the arrays are views of its memory. On a GPU they are a pinned copy, which the GPU reads
    and writes by itself: await_gpus() before an array that leaves is read, and before one arrives. On
    other devices they are a copy.
    """

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor
        self.shape = tensor.shape
        self._pinned: torch.Tensor | None = None
        self._noted = tensor._version

    def dense(self, gradient: torch.Tensor) -> Any:
        return self._out(gradient.detach())

    def rows(self, name: str, gradient: torch.Tensor) -> IndexedSlices:
        gradient = gradient.detach()
        if gradient.sparse_dim() != 1:
            raise ValueError(f"parameter '{name}': its sparse gradient has {gradient.sparse_dim()} "
                             "sparse dimensions, and rows of a variable have one")
        indices, values = gradient._indices()[0], _widened(gradient._values())
        if _is_on_gpu(gradient):
            indices, values = (_new_pinned(part).copy_(part, non_blocking=True)
                               for part in (indices, values))
        return IndexedSlices(values.cpu().numpy(), indices.cpu().numpy())

    def leave(self) -> Any:
        """The value."""
        return self._out(self.tensor.detach())

    def _out(self, tensor: torch.Tensor) -> Any:
        tensor = _widened(tensor)
        if _is_on_gpu(tensor):
            return self._staging().copy_(tensor, non_blocking=True).numpy()
        return tensor.cpu().numpy()

    def arrive(self, value: Any) -> None:
        """Sets the tensor to an array of the store's."""
        tensor = self.tensor.detach()
        if _is_on_gpu(tensor):
            staging = self._staging()
            np.copyto(staging.numpy(), value)
            tensor.copy_(staging, non_blocking=True)
        elif tensor.device.type == "cpu" and tensor.dtype is not torch.bfloat16:
            np.copyto(tensor.numpy(), value, casting="same_kind")
            # NumPy does not tell autograd that the value is another one.
            tensor.as_strided((0,), (1,)).zero_()
        else:
            tensor.copy_(torch.from_numpy(np.array(value)))
        self.note_value()

    def arrive_rows(self, numbers: Any, rows: Any) -> None:
        """Sets rows of the tensor, by their numbers."""
        tensor = self.tensor.detach()
        values = torch.from_numpy(np.array(rows)).to(tensor.device, tensor.dtype)
        tensor.index_copy_(0, torch.from_numpy(numbers).to(tensor.device), values)
        self.note_value()

    def note_value(self) -> None:
        """The tensor has now a value that is the store's, too."""
        self._noted = self.tensor._version

    def was_changed(self) -> bool:
        """Whether the program has changed the tensor in place since."""
        return self.tensor._version != self._noted

    def _staging(self) -> torch.Tensor:
        if self._pinned is None:
            self._pinned = _new_pinned(_widened(self.tensor.detach()))
        return self._pinned


def parts_of_one(ports: Iterable[Port]) -> list[Port]:
    """Those whose tensors are parts of one: PyTorch counts their changes together."""
    by_storage: dict[int, list[Port]] = {}
    for port in ports:
        by_storage.setdefault(port.tensor.untyped_storage().data_ptr(), []).append(port)
    return [port for parts in by_storage.values() if len(parts) > 1 for port in parts]


def _widened(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.dtype in _HALF else tensor


def _is_on_gpu(tensor: torch.Tensor) -> bool:
    return tensor.is_cuda


def _new_pinned(like: torch.Tensor) -> torch.Tensor:
    return torch.empty(like.shape, dtype=like.dtype, pin_memory=True)


def _await_stream(device: torch.device) -> None:
    torch.cuda.current_stream(device).synchronize()
