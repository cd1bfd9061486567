"""Which names a module's tensors have in a file that another program has written."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

_LONGEST_HEADER = 100_000_000  # of the safetensors library


def names_for(path: str | os.PathLike[str], aliases: Mapping[str, str]) -> dict[str, str]:
    """Returns the names, with the tensor of each, that a checkpoint must have.

    A tensor of several names may be there under some of them, as safetensors.torch.save_model() writes
    it; of one that is there under none, all are missing.
    """
    if len(set(aliases.values())) == len(aliases):
        return dict(aliases)
    there = _names_in(os.fspath(path)) & aliases.keys()
    found = {aliases[name] for name in there}
    return {name: of for name, of in aliases.items() if name in there or of not in found}


def _names_in(path: str) -> set[str]:
    """The tensors of a safetensors file; of what is none, nothing: who reads it says why."""
    if not path.endswith(".safetensors"):
        return set()
    try:
        with open(path, "rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size)) if size <= _LONGEST_HEADER else {}
            return set(header) if isinstance(header, dict) else set()
    except (OSError, ValueError):
        return set()
