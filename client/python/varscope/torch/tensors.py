"""The tensors that a module has, by the names of its state_dict()."""

from __future__ import annotations

from collections.abc import Mapping

import torch


def tensors_of(module: torch.nn.Module) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors of a state_dict(), each once, by its first name; and for each name that first one."""
    tensors: dict[str, torch.Tensor] = {}
    aliases: dict[str, str] = {}
    first: dict[int, str] = {}
    for name, tensor in module.state_dict(keep_vars=True).items():
        if not isinstance(tensor, torch.Tensor):
            continue
        if torch.nn.parameter.is_lazy(tensor):
            raise ValueError(f"parameter '{name}' has no shape yet: share() the module after its "
                             "first forward pass")
        if tensor.is_meta:
            raise ValueError(f"parameter '{name}' is on the device 'meta' and has no values: share() "
                             "the module after to_empty() and its initialization")
        aliases[name] = first.setdefault(id(tensor), name)
        tensors.setdefault(aliases[name], tensor)
    return tensors, aliases


def holder_of(module: torch.nn.Module, name: str) -> Mapping[str, torch.Tensor | None] | None:
    """Where the module has a tensor of its state_dict(), by the end of its name; None for one that has
    another name there."""
    part, _, key = name.rpartition(".")
    try:
        owner = module.get_submodule(part)
    except AttributeError:
        return None
    return next((held for held in (owner._parameters, owner._buffers) if key in held), None)


def count_of(module: torch.nn.Module) -> int:
    """Changes when the module gets a tensor or a module."""
    return sum(len(part._parameters) + len(part._buffers) + len(part._modules)
               for part in module.modules())
