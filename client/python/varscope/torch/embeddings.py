"""Embeddings of which a step brings nothing, and a forward pass the rows that it looks up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from varscope import errors
from varscope.shared import SharedArrays
from varscope.torch.marks import module_of
from varscope.torch.ports import Port

# Smaller ones come whole, with the step: that costs less than a request of their own.
_SMALLEST_BYTES = 1 << 20
_EMBEDDINGS = (torch.nn.Embedding, torch.nn.EmbeddingBag)
_FORWARDS = [kind.forward for kind in _EMBEDDINGS]


class Tables:
    """The sparse embeddings' weights among a module's tensors, and which of their rows are of now.

    After a step none is; a row is again when a forward pass has looked it up, until the next step.
    """

    def __init__(self, arrays: SharedArrays, ports: Mapping[str, Port],
                 embeddings: Mapping[str, list[torch.nn.Module]]) -> None:
        self._arrays = arrays
        self._ports = ports
        self._steps = {name: 0 for name in embeddings}
        # The step of each row; without one all rows are of now.
        self._brought: dict[str, np.ndarray | None] = {name: None for name in embeddings}
        for parts in embeddings.values():
            for part in parts:
                # One that was shared with a store that is closed now has them.
                if _before_forward not in part._forward_pre_hooks.values():
                    part.register_forward_pre_hook(_before_forward, prepend=True, with_kwargs=True)
                    part.register_state_dict_pre_hook(_before_state_dict)

    def __contains__(self, name: str) -> bool:
        return name in self._steps

    def treat_whole(self, name: str) -> None:
        """From now on a step brings it, as other parameters: the program uses all of it."""
        self._steps.pop(name, None)
        self._brought.pop(name, None)

    def have_come(self, names: Iterable[str]) -> None:
        """Notes that all rows of these are of now."""
        for name in self._brought.keys() & set(names):
            self._brought[name] = None

    def grow_old(self, names: Iterable[str]) -> None:
        """Notes that a step has changed these."""
        for name in self._steps.keys() & set(names):
            self._steps[name] += 1
            if self._brought[name] is None:
                self._brought[name] = np.zeros(self._ports[name].shape[0], np.int64)

    def bring(self, name: str, numbers: torch.Tensor) -> None:
        """Sets the rows of these numbers to the store's, but for those that are of now."""
        brought = self._brought.get(name)
        if brought is None or not numbers.numel():
            return
        rows = numbers.detach().cpu().reshape(-1).unique().long().numpy()
        if rows[0] < 0 or rows[-1] >= len(brought):
            return  # PyTorch's own error says so
        rows = rows[brought[rows] != self._steps[name]]
        # What the program has changed is its own until it says whose value counts.
        if rows.size and not self._ports[name].was_changed():
            self._check_is_open(name)
            self._ports[name].arrive_rows(rows, self._arrays.rows(name, rows))
            brought[rows] = self._steps[name]

    def bring_all(self, name: str) -> None:
        """Sets all rows to the store's, unless they are of now."""
        if self._brought.get(name) is None or self._ports[name].was_changed():
            return
        self._check_is_open(name)
        with torch.no_grad():
            self._ports[name].arrive(self._arrays.pull([name])[name])
        self._brought[name] = None

    def are_in_store(self, name: str) -> bool:
        """Whether the store has a value of this one."""
        try:
            self._arrays.rows(name, [0])
        except errors.FailedPreconditionError:
            return False
        return True

    def _check_is_open(self, name: str) -> None:
        if self._arrays.store.closed:
            raise RuntimeError(f"parameter '{name}' has rows of before the last step, and the store is "
                               "closed: pull() before close() brings all of them")


def embeddings_in(module: torch.nn.Module,
                  tensors: Mapping[str, torch.Tensor]) -> dict[str, list[torch.nn.Module]]:
    """Returns those of the tensors, by name, that are large and the weight of sparse embeddings
    alone, with these."""
    users: dict[int, list[tuple[torch.nn.Module, bool]]] = {}
    for part in module.modules():
        for name, tensor in part._parameters.items():
            if tensor is not None:
                only_rows = name == "weight" and _looks_up_rows(part)
                users.setdefault(id(tensor), []).append((part, only_rows))
    return {name: [part for part, _ in users[id(tensor)]] for name, tensor in tensors.items()
            if tensor.numel() * tensor.element_size() >= _SMALLEST_BYTES
            and id(tensor) in users and all(only_rows for _, only_rows in users[id(tensor)])}


def renormalized_in(module: torch.nn.Module) -> set[int]:
    """The ids of weights that forward passes themselves change: embeddings with a max_norm."""
    return {id(part.weight) for part in module.modules()
            if isinstance(part, _EMBEDDINGS) and part.max_norm is not None}


def _looks_up_rows(part: torch.nn.Module) -> bool:
    return (isinstance(part, _EMBEDDINGS) and part.sparse and part.max_norm is None
            and type(part).forward in _FORWARDS)


@torch.compiler.disable
def _before_forward(part: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    found = module_of(part.weight)
    numbers = arguments[0] if arguments else keywords.get("input")
    if found is not None and isinstance(numbers, torch.Tensor):
        found[0].tables.bring(found[1], numbers.values() if numbers.is_nested else numbers)


def _before_state_dict(part: Any, prefix: str, keep_vars: bool) -> None:
    found = module_of(part.weight)
    # Who keeps the parameters themselves asks for no values.
    if found is not None and not keep_vars:
        found[0].tables.bring_all(found[1])
