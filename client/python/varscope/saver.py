"""Checkpoints that TensorFlow reads, and reads TensorFlow's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from varscope import _core
from varscope.session import BaseSession


class Saver:
    """Saves and restores variables of the graph that is the default one when it is made.

    Of all its variables, with their slots, if var_list is None; else those of a list, or of a dict
    by their names in the checkpoint. The end of a path is the format: '.safetensors', '.npz', else
    a TensorFlow V2 checkpoint, of which the path is the prefix. ValueError when there is nothing to
    save.
    """

    def __init__(self, var_list: Iterable[_core.Variable] | Mapping[str, _core.Variable] | None =
                 None, reshape: bool = False, sharded: bool = False, max_to_keep: int | None = 5,
                 keep_checkpoint_every_n_hours: float = 10000.0, name: str | None = None) -> None:
        if reshape:
            raise NotImplementedError("Saver: varscope has no 'reshape'")
        if var_list is not None:
            var_list = dict(var_list) if isinstance(var_list, Mapping) else list(var_list)
            _refuse_twice(var_list)
        self._core = _core.Saver(var_list, max_to_keep or 0)

    def save(self, sess: BaseSession, save_path: str | os.PathLike[str],
             global_step: Any = None, latest_filename: None = None,
             meta_graph_suffix: str = "meta", write_meta_graph: bool = True) -> str:
        """Writes one consistent set of values, and returns the path, with global_step '-<step>'.
        Makes the folder.

        varscope has no meta graphs: the program is the graph.
        """
        if latest_filename is not None:
            raise NotImplementedError("Saver.save: varscope has no 'latest_filename'")
        os.makedirs(os.path.dirname(os.path.abspath(save_path)), exist_ok=True)
        if isinstance(global_step, (_core.Tensor, _core.Variable)):
            global_step = sess.run(global_step)
        step = None if global_step is None else int(global_step)
        return self._core.save(sess.core, os.fspath(save_path), step)

    def restore(self, sess: BaseSession, save_path: str | os.PathLike[str]) -> None:
        """Assigns all in one push: all of it or nothing."""
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        self._core.restore(sess.core, os.fspath(save_path))

    @property
    def last_checkpoints(self) -> list[str]:
        """The paths that this Saver has written and kept, oldest first."""
        return self._core.last_checkpoints


def _refuse_twice(variables: Any) -> None:
    """ValueError for a list that has a variable twice."""
    names = [] if isinstance(variables, dict) else [x.op.name for x in variables]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"At least two variables have the same name: {name}")


def latest_checkpoint(checkpoint_dir: str | os.PathLike[str],
                      latest_filename: None = None) -> str | None:
    """Returns the newest checkpoint that a Saver noted in this folder; None when none is noted."""
    if latest_filename is not None:
        raise NotImplementedError("latest_checkpoint: varscope has no 'latest_filename'")
    return _core.latest_checkpoint(os.fspath(checkpoint_dir)) or None
