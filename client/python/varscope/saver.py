"""Checkpoints that TensorFlow reads, and reads TensorFlow's."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from typing import Any

from varscope import _core, checkpoint_paths
from varscope.collections_ import global_variables
from varscope.scopes import refuse
from varscope.session import BaseSession
from varscope.training.checkpoints import get_checkpoint_state, update_checkpoint_state


class SaverDef:
    """The formats of checkpoints; V1 is written as V2."""

    LEGACY, V1, V2 = 0, 1, 2


class Saver:
    """Saves and restores variables of the graph that is the default one when it is made.

    Of all its global variables, with their slots, if var_list is None or has them all; else those of
    a list, or of a dict by their names in the checkpoint. The end of a path is the format: '.safetensors', '.npz', else
    a TensorFlow V2 checkpoint, of which the path is the prefix. ValueError when there is nothing to
    save.
    """

    def __init__(self, var_list: Iterable[_core.Variable] | Mapping[str, _core.Variable] | None =
                 None, reshape: bool = False, sharded: bool = False, max_to_keep: int | None = 5,
                 keep_checkpoint_every_n_hours: float = 10000.0, name: str | None = None,
                 restore_sequentially: bool = False, saver_def: Any = None, builder: Any = None,
                 defer_build: bool = False, allow_empty: bool = False,
                 write_version: int = SaverDef.V2, pad_step_number: bool = False,
                 save_relative_paths: bool = False, filename: str | None = None) -> None:
        refuse("Saver", reshape=reshape or None, saver_def=saver_def, builder=builder,
               pad_step_number=pad_step_number or None)
        every = var_list is None
        if every:
            var_list = global_variables()
        listed = dict(var_list) if isinstance(var_list, Mapping) else list(var_list)
        _check_variables(listed)
        self._var_list = listed  # scripts look at it
        _refuse_twice(listed)
        if isinstance(listed, list) and listed:
            every = every or set(global_variables()) <= set(listed)
        self._graph_file: tuple[int, bytes | None] | None = None  # of a graph of so many ops
        self._graph_files: dict[str, str] = {}
        self._core = _core.Saver(listed, max_to_keep or 0, every)

    def save(self, sess: BaseSession, save_path: str | os.PathLike[str],
             global_step: Any = None, latest_filename: str | None = None,
             meta_graph_suffix: str = "meta", write_meta_graph: bool = True,
             write_state: bool = True, strip_default_attrs: bool = False) -> str:
        """Writes one consistent set of values, and returns the path, with global_step '-<step>'.
        Makes the folder. Beside a TensorFlow checkpoint it writes the graph, '<path>.meta', for
        import_meta_graph; not of a graph that this cannot make again. The folder's file
        'checkpoint', or latest_filename, says which checkpoints there are, unless write_state is
        False.
        """
        save_path = checkpoint_paths.prefix("save", save_path)
        folder = os.path.abspath(os.path.dirname(save_path))
        os.makedirs(folder, exist_ok=True)
        before = None if write_state and latest_filename is None else _content(folder)
        if isinstance(global_step, (_core.Tensor, _core.Variable)):
            global_step = sess.run(global_step)
        step = None if global_step is None else int(global_step)
        path = self._core.save(sess.core, save_path, step)
        if latest_filename is not None and write_state:
            update_checkpoint_state(folder, path, self.last_checkpoints, latest_filename)
        if before is not None:
            _put_back(folder, before)
        if write_meta_graph and not path.endswith((".safetensors", ".npz")):
            self._write_graph(sess.graph, path, meta_graph_suffix)
        for gone in set(self._graph_files) - set(self.last_checkpoints):
            with contextlib.suppress(FileNotFoundError):
                os.remove(self._graph_files.pop(gone))
        return path

    def _write_graph(self, graph: _core.Graph, path: str, suffix: str) -> None:
        """Writes the graph's file beside a checkpoint."""
        from varscope.saved_graphs.meta_graphs import MetaGraphDef
        count = len(graph.get_operations())
        if self._graph_file is None or self._graph_file[0] != count:
            try:
                self._graph_file = count, MetaGraphDef(graph).SerializeToString()
            except NotImplementedError:
                self._graph_file = count, None
        if self._graph_file[1] is not None:
            with open(f"{path}.{suffix}", "wb") as file:
                file.write(self._graph_file[1])
            self._graph_files[path] = f"{path}.{suffix}"

    def export_meta_graph(self, filename: str | os.PathLike[str] | None = None,
                          **keywords: Any) -> Any:
        """As tf.train.export_meta_graph."""
        from varscope.saved_graphs.meta_graphs import export_meta_graph
        return export_meta_graph(filename, **keywords)

    def restore(self, sess: BaseSession, save_path: str | os.PathLike[str]) -> None:
        """Assigns all in one push: all of it or nothing."""
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        self._core.restore(sess.core, checkpoint_paths.prefix("restore", save_path))

    @property
    def last_checkpoints(self) -> list[str]:
        """The paths that this Saver has written and kept, oldest first."""
        return self._core.last_checkpoints


def _content(folder: str) -> bytes:
    """What a folder's file of checkpoints has; nothing where there is none."""
    try:
        with open(os.path.join(folder, "checkpoint"), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def _put_back(folder: str, content: bytes) -> None:
    path = os.path.join(folder, "checkpoint")
    if not content:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
        return
    with open(path, "wb") as file:
        file.write(content)


def _check_variables(listed: Any) -> None:
    """TypeError for what is no variable."""
    for variable in listed.values() if isinstance(listed, dict) else listed:
        if not isinstance(variable, _core.Variable):
            raise TypeError(f"Expected a variable, not {variable!r}: Saver takes a list of variables, or a "
                            "dict of them by their names in the checkpoint")


def _refuse_twice(variables: Any) -> None:
    """ValueError for a list that has a variable twice."""
    names = [] if isinstance(variables, dict) else [x.op.name for x in variables]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"At least two variables have the same name: {name}")


def latest_checkpoint(checkpoint_dir: str | os.PathLike[str],
                      latest_filename: str | None = None) -> str | None:
    """Returns the newest checkpoint that a Saver noted in this folder; None when none is noted."""
    if latest_filename is not None:
        state = get_checkpoint_state(checkpoint_dir, latest_filename)
        return None if state is None else state.model_checkpoint_path
    return _core.latest_checkpoint(os.fspath(checkpoint_dir)) or None
