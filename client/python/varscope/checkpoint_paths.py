"""Paths of checkpoints that a program means: what TensorFlow's Saver takes, and what the store takes.

Of TensorFlow's Saver any text is the prefix of a checkpoint: '' would be '.index', and 'model.pt' two files
that no PyTorch reads. Scripts that are written for TensorFlow may have such names; others get an error.
"""

from __future__ import annotations

import os

_HOW = "write NAME.safetensors, NAME.npz, or NAME.ckpt for TensorFlow's"


def prefix(call: str, path: str | os.PathLike[str]) -> str:
    """Returns the path. ValueError for an empty one, as TensorFlow's Saver; TypeError for what is none."""
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"{call}() takes a path as text, not {path!r}")
    if not text:
        raise ValueError(f"{call}(): no path specified: {_HOW}")
    return text


def to_write(path: str | os.PathLike[str]) -> str:
    """Returns the path of a file to write. ValueError for one that names no file, or one of a format that
    varscope does not write.
    """
    text = prefix("save", path)
    name = os.path.basename(text)
    extension = os.path.splitext(name)[1]
    if os.path.isdir(text) or name in ("", ".safetensors", ".npz", ".ckpt"):
        raise ValueError(f"save(): {text!r} has no file's name: {_HOW}")
    if extension in ("", ".safetensors", ".npz") or extension.startswith(".ckpt"):
        return text
    raise ValueError(f"save(): '{extension}' of {text!r} is no format: {_HOW}")
