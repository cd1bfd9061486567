"""tf.saved_model.builder.SavedModelBuilder and simple_save: the default graph, or a session's, as a
SavedModel in a folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from typing import Any

from varscope import _core
from varscope.collections_ import add_to_collection, get_collection, global_variables
from varscope.saved_graphs.meta_graphs import MetaGraphDef
from varscope.saved_models import folders, names
from varscope.saved_models.signatures import SignatureDef, predict_signature_def
from varscope.saver import Saver
from varscope.scopes import refuse
from varscope.strings.tensors import StringTensor


class SavedModelBuilder:
    """Writes a SavedModel into a folder, which is not to be there, or to be empty: AssertionError."""

    def __init__(self, export_dir: str | os.PathLike[str]) -> None:
        self._folder = os.fsdecode(export_dir)
        if os.path.isdir(self._folder) and os.listdir(self._folder):
            raise AssertionError(
                "Export directory already exists, and isn't empty. Please choose a different export "
                "directory, or delete all the contents of the specified directory: "
                f"{self._folder}")
        os.makedirs(self._folder, exist_ok=True)
        self._graphs: list[MetaGraphDef] = []
        self._has_variables = False

    def add_meta_graph_and_variables(
            self, sess: Any, tags: Iterable[str],
            signature_def_map: Mapping[str, SignatureDef] | None = None,
            assets_collection: Iterable[Any] | None = None, legacy_init_op: Any = None,
            clear_devices: bool = False, main_op: Any = None,
            strip_default_attrs: bool = False, saver: Saver | None = None) -> None:
        """Adds the session's graph, and writes its variables: once, before other graphs."""
        if self._has_variables:
            raise AssertionError("Graph state including variables and assets has already been saved. "
                                 "Please invoke `add_meta_graph()` instead.")
        self._has_variables = True
        with sess.graph.as_default():
            self._add(tags, signature_def_map, assets_collection, main_op, legacy_init_op)
            if saver is None and global_variables():
                saver = Saver()
        if saver is not None:
            path = folders.variables_path(self._folder)
            saver.save(sess, path, write_meta_graph=False)
            state = os.path.join(os.path.dirname(path), "checkpoint")
            if os.path.exists(state):
                os.remove(state)

    def add_meta_graph(self, tags: Iterable[str],
                       signature_def_map: Mapping[str, SignatureDef] | None = None,
                       assets_collection: Iterable[Any] | None = None, legacy_init_op: Any = None,
                       clear_devices: bool = False, main_op: Any = None,
                       strip_default_attrs: bool = False, saver: Saver | None = None) -> None:
        """Adds the default graph, for the variables that are there."""
        if not self._has_variables:
            raise AssertionError("Graph state including variables and assets has not been saved yet. "
                                 "Please invoke `add_meta_graph_and_variables()` first.")
        self._add(tags, signature_def_map, assets_collection, main_op, legacy_init_op)

    def _add(self, tags: Iterable[str], signatures: Mapping[str, SignatureDef] | None,
             assets: Iterable[Any] | None, main_op: Any, legacy_init_op: Any) -> None:
        for key, op in ((names.MAIN_OP_KEY, main_op), (names.LEGACY_INIT_OP_KEY, legacy_init_op)):
            if op is not None and op not in get_collection(key):
                add_to_collection(key, op)
        for asset in assets or ():
            self._copy(asset)
        made = MetaGraphDef(_core.get_default_graph())
        made.tags = list(tags)
        made.signature_def = dict(signatures or {})
        self._graphs.append(made)

    def _copy(self, asset: Any) -> None:
        """Copies the file that a tensor of strings names."""
        if not isinstance(asset, StringTensor):
            raise TypeError(f"Asset tensor {asset!r} must be of type string")
        from varscope.feeders import Run
        path = os.fsdecode(asset.value(Run(None)))
        folder = os.path.join(self._folder, names.ASSETS_DIRECTORY)
        os.makedirs(folder, exist_ok=True)
        shutil.copy(path, folder)

    def save(self, as_text: bool = False) -> bytes:
        """Writes the graphs; returns the file's path."""
        refuse("SavedModelBuilder.save", as_text=as_text or None)
        path = os.path.join(self._folder, names.SAVED_MODEL_FILENAME_PB)
        with open(path, "wb") as file:
            file.write(folders.written(self._graphs))
        return path.encode()


def simple_save(session: Any, export_dir: str | os.PathLike[str], inputs: Mapping[str, Any],
                outputs: Mapping[str, Any], legacy_init_op: Any = None) -> None:
    """Writes the session's graph for serving, with one signature of these tensors."""
    builder = SavedModelBuilder(export_dir)
    builder.add_meta_graph_and_variables(
        session, [names.SERVING],
        {names.DEFAULT_SERVING_SIGNATURE_DEF_KEY: predict_signature_def(inputs, outputs)},
        legacy_init_op=legacy_init_op)
    builder.save()
