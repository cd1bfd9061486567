"""The names of a module's tensors as variables have them."""

from __future__ import annotations

from collections.abc import Callable

import torch

# What PyTorch puts around a module, and its name there for what is inside.
_WRAPPERS = {"OptimizedModule": "_orig_mod", "DataParallel": "module",
             "DistributedDataParallel": "module"}


def paths_in(module: torch.nn.Module) -> Callable[[str], str]:
    """Returns the function from a tensor's name to its variable's: with slashes, and without what
    torch.compile and parallel modules add, so that programs with and without them share.
    """
    added = {f"{name}.{inside}" if name else inside for name, part in module.named_modules()
             if (inside := _WRAPPERS.get(type(part).__name__))
             and type(part).__module__.startswith("torch.")}

    def path_of(name: str) -> str:
        parts = name.split(".")
        return "/".join(part for i, part in enumerate(parts)
                        if ".".join(parts[:i + 1]) not in added)
    return path_of
