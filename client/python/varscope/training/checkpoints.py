"""What a folder of checkpoints says about itself."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import NamedTuple


class CheckpointState(NamedTuple):
    """The file 'checkpoint' of a folder."""

    model_checkpoint_path: str
    all_model_checkpoint_paths: list[str]


def get_checkpoint_state(checkpoint_dir: str | os.PathLike[str],
                         latest_filename: str | None = None) -> CheckpointState | None:
    """Returns what a Saver noted in this folder; None when nothing is noted."""
    try:
        with open(os.path.join(checkpoint_dir, latest_filename or "checkpoint")) as file:
            text = file.read()
    except (OSError, TypeError):
        return None
    newest = _paths(checkpoint_dir, r"^model_checkpoint_path", text)
    every = _paths(checkpoint_dir, r"^all_model_checkpoint_paths", text)
    return CheckpointState(newest[0], every) if newest else None


def _paths(folder: str | os.PathLike[str], field: str, text: str) -> list[str]:
    found = re.findall(field + r': "((?:[^"\\]|\\.)*)"', text, re.M)
    return [os.path.join(folder, re.sub(r"\\(.)", r"\1", path)) for path in found]


def update_checkpoint_state(save_dir: str | os.PathLike[str], model_checkpoint_path: str,
                            all_model_checkpoint_paths: Sequence[str] | None = None,
                            latest_filename: str | None = None) -> None:
    """Notes which checkpoints a folder has."""
    paths = list(all_model_checkpoint_paths or [])
    if model_checkpoint_path not in paths:
        paths.append(model_checkpoint_path)
    lines = [f'model_checkpoint_path: "{_escaped(model_checkpoint_path)}"']
    lines += [f'all_model_checkpoint_paths: "{_escaped(path)}"' for path in paths]
    path = os.path.join(save_dir, latest_filename or "checkpoint")
    with open(path + ".new", "w") as file:
        file.write("\n".join(lines) + "\n")
    os.replace(path + ".new", path)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def checkpoint_exists(checkpoint_prefix: str | os.PathLike[str]) -> bool:
    """Returns whether there is a checkpoint of this path."""
    prefix = os.fspath(checkpoint_prefix)
    return os.path.exists(prefix + ".index") or os.path.exists(prefix)


def remove_checkpoint(checkpoint_prefix: str) -> None:
    """Removes the files of a checkpoint."""
    folder, name = os.path.split(checkpoint_prefix)
    for file in os.listdir(folder or "."):
        if file == name + ".index" or file.startswith(name + ".data-"):
            os.remove(os.path.join(folder, file))
