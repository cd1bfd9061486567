"""tf.train.export_meta_graph and import_meta_graph: a graph in a file, MetaGraphDef's message, which has
varscope's own description as one of its collections."""

from __future__ import annotations

import json
import os
import zlib
from typing import Any

from varscope import _core
from varscope.saved_graphs.describing import describe
from varscope.saved_graphs.making import Maker
from varscope.saver import Saver
from varscope.scopes import name_scope
from varscope.summaries import wire
from varscope.summaries.graph_def import GraphDef

_KEY = "varscope_graph"


class MetaGraphDef:
    """tf.MetaGraphDef: a graph as a message; of a SavedModel also with its tags and signatures."""

    def __init__(self, graph: _core.Graph | None = None) -> None:
        self.tags: list[str] = []
        self.signature_def: dict[str, Any] = {}
        self._graph_def = b""
        self._description: dict[str, Any] | None = None
        if graph is not None:
            self._graph_def = GraphDef(graph).SerializeToString()
            self._description = describe(graph)

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        text = zlib.compress(json.dumps(self._description).encode())
        listed = wire.message(2, wire.message(1, text))
        info = b"".join(wire.message(4, tag) for tag in self.tags)
        parts = [wire.message(1, info)] if info else []
        parts += [wire.message(2, self._graph_def),
                  wire.message(4, wire.message(1, _KEY) + wire.message(2, listed))]
        parts += [wire.message(5, wire.message(1, key) + wire.message(2, one.SerializeToString()))
                  for key, one in sorted(self.signature_def.items())]
        return b"".join(parts)

    def ParseFromString(self, serialized: bytes) -> int:
        """Takes the graph of a message, and returns its size. ValueError for one that varscope has
        not written."""
        from varscope.saved_models.signatures import SignatureDef
        self.tags = self.tags_of(serialized)
        for field, content in wire.fields(serialized):
            if field == 2:
                self._graph_def = content
            if field not in (4, 5):
                continue
            entry = dict(wire.fields(content))
            if field == 5:
                self.signature_def[entry[1].decode()] = SignatureDef.FromString(entry[2])
            elif entry.get(1) == _KEY.encode():
                text = dict(wire.fields(dict(wire.fields(entry[2]))[2]))[1]
                self._description = json.loads(zlib.decompress(text))
        if self._description is None:
            raise ValueError("varscope imports the meta graphs that it has written; this is none")
        return len(serialized)

    @staticmethod
    def tags_of(serialized: bytes) -> list[str]:
        """Returns the tags that a message has."""
        infos = [content for field, content in wire.fields(serialized) if field == 1]
        return [tag.decode() for info in infos for field, tag in wire.fields(info) if field == 4]

    @property
    def graph_def(self) -> GraphDef:
        """The graph's ops."""
        made = GraphDef.FromString(self._graph_def)
        made.description = self._description
        return made

    @property
    def description(self) -> dict[str, Any]:
        """What the graph is made of again."""
        if self._description is None:
            raise ValueError("this MetaGraphDef is empty")
        return self._description


def export_meta_graph(filename: str | os.PathLike[str] | None = None, meta_info_def: None = None,
                      graph_def: None = None, saver_def: Any = None,
                      collection_list: None = None, as_text: bool = False,
                      graph: _core.Graph | None = None, export_scope: None = None,
                      clear_devices: bool = False, clear_extraneous_savers: bool = False,
                      strip_default_attrs: bool = False) -> MetaGraphDef:
    """Returns the graph as a message, and writes it into a file."""
    for name, value in (("meta_info_def", meta_info_def), ("graph_def", graph_def),
                        ("collection_list", collection_list), ("export_scope", export_scope),
                        ("as_text", as_text or None)):
        if value is not None:
            raise NotImplementedError(f"export_meta_graph: varscope has no '{name}'")
    made = MetaGraphDef(graph or _core.get_default_graph())
    if filename is not None:
        with open(filename, "wb") as file:
            file.write(made.SerializeToString())
    return made


def import_meta_graph(meta_graph_or_file: Any, clear_devices: bool = False,
                      import_scope: str | None = None) -> Saver | None:
    """Adds a file's graph to the default graph, below a scope where one is given; returns a Saver of
    its variables, by the names of the file, if it has any."""
    given = meta_graph_or_file
    if not isinstance(given, MetaGraphDef):
        given = MetaGraphDef()
        try:
            with open(meta_graph_or_file, "rb") as file:
                given.ParseFromString(file.read())
        except FileNotFoundError:
            raise OSError(f"File {meta_graph_or_file} does not exist.") from None
    scope = ""
    if import_scope:
        with name_scope(import_scope) as scope:
            pass
    maker = Maker(given.description, scope)
    variables = maker.make()
    maker.collect()
    if not variables:
        return None
    return Saver() if not scope else Saver(variables)
