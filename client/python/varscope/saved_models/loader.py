"""tf.saved_model.loader: a SavedModel's graph, with its variables, in a session."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from varscope.collections_ import get_collection
from varscope.saved_graphs.meta_graphs import MetaGraphDef, import_meta_graph
from varscope.saved_models import folders, names


def load(sess: Any, tags: Iterable[str], export_dir: str | os.PathLike[str],
         import_scope: str | None = None, **saver_kwargs: Any) -> MetaGraphDef:
    """Adds the graph that has these tags to the session's, and restores its variables. Returns the
    meta graph, whose signature_def names the tensors."""
    folder = os.fsdecode(export_dir)
    made = folders.meta_graph_of(folder, [tags] if isinstance(tags, str) else list(tags))
    with sess.graph.as_default():
        before = {key: list(get_collection(key))
                  for key in (names.MAIN_OP_KEY, names.LEGACY_INIT_OP_KEY)}
        saver = import_meta_graph(made, import_scope=import_scope)
        first = [op for key, old in before.items() for op in get_collection(key) if op not in old]
    path = folders.variables_path(folder)
    if saver is not None and os.path.exists(path + ".index"):
        saver.restore(sess, path)
    if first:
        sess.run(first)
    return made


def maybe_saved_model_directory(export_dir: str | os.PathLike[str]) -> bool:
    """Returns whether a folder has a SavedModel."""
    return folders.is_saved_model(export_dir)


contains_saved_model = maybe_saved_model_directory
