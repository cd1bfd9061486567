"""The message of a SavedModel's folder: meta graphs, each with its tags."""

from __future__ import annotations

import os
from typing import Any

from varscope.saved_graphs.meta_graphs import MetaGraphDef
from varscope.saved_models import names
from varscope.summaries import wire


def is_saved_model(export_dir: str | os.PathLike[str]) -> bool:
    """Returns whether a folder has a SavedModel."""
    return any(os.path.isfile(os.path.join(export_dir, name)) for name in (
        names.SAVED_MODEL_FILENAME_PB, names.SAVED_MODEL_FILENAME_PBTXT))


def variables_path(export_dir: str | os.PathLike[str]) -> str:
    """Returns the checkpoint inside a SavedModel's folder."""
    return os.path.join(export_dir, names.VARIABLES_DIRECTORY, names.VARIABLES_FILENAME)


def written(meta_graphs: list[MetaGraphDef]) -> bytes:
    """Returns the message of these meta graphs."""
    parts = [wire.integer(1, names.SAVED_MODEL_SCHEMA_VERSION)]
    parts += [wire.message(2, one.SerializeToString()) for one in meta_graphs]
    return b"".join(parts)


def meta_graph_of(export_dir: str | os.PathLike[str], tags: list[str]) -> MetaGraphDef:
    """Returns a folder's meta graph that has these tags and no others. OSError where there is no
    SavedModel, RuntimeError where none of its graphs has these tags."""
    path = os.path.join(export_dir, names.SAVED_MODEL_FILENAME_PB)
    if not os.path.isfile(path):
        raise OSError(f"SavedModel file does not exist at: {os.fspath(export_dir)}/"
                      f"{{{names.SAVED_MODEL_FILENAME_PBTXT}|{names.SAVED_MODEL_FILENAME_PB}}}")
    with open(path, "rb") as file:
        listed: list[Any] = [content for field, content in wire.fields(file.read()) if field == 2]
    there = []
    for content in listed:
        found = MetaGraphDef.tags_of(content)
        if set(found) == set(tags):
            made = MetaGraphDef()
            made.ParseFromString(content)
            return made
        there.append(found)
    raise RuntimeError(f"MetaGraphDef associated with tags {sorted(tags)} could not be found in "
                       f"SavedModel, which has {there}")
