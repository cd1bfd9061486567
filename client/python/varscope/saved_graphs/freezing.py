"""tf.python.tools.freeze_graph: a graph's file without variables, of a checkpoint."""

from __future__ import annotations

import os
from typing import Any

from varscope import _core
from varscope.saved_graphs.graph_defs import convert_variables_to_constants
from varscope.saved_graphs.meta_graphs import import_meta_graph
from varscope.session import Session
from varscope.summaries.graph_def import GraphDef


def _names(text: Any) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def freeze_graph(input_graph: Any, input_saver: Any, input_binary: bool, input_checkpoint: Any,
                 output_node_names: str, restore_op_name: Any, filename_tensor_name: Any,
                 output_graph: Any, clear_devices: bool, initializer_nodes: Any,
                 variable_names_whitelist: str = "", variable_names_blacklist: str = "",
                 input_meta_graph: Any = None, input_saved_model_dir: Any = None,
                 saved_model_tags: str = "serve", checkpoint_version: int = 2) -> GraphDef:
    """Writes what these ops need, with the checkpoint's values in place of the variables. The graph is
    that of the file '<checkpoint>.meta', or of a SavedModel: of a graph as text varscope reads
    nothing. FileNotFoundError without one."""
    with _core.Graph().as_default() as graph, Session(graph=graph) as session:
        if input_saved_model_dir:
            from varscope.saved_models.loader import load
            load(session, _names(saved_model_tags), input_saved_model_dir)
        else:
            meta = os.fspath(input_meta_graph or f"{input_checkpoint}.meta")
            if not os.path.exists(meta):
                raise FileNotFoundError(
                    f"freeze_graph: there is no file {meta}; varscope reads the graph of the file "
                    "that Saver.save() writes beside a checkpoint, not of a graph as text")
            saver = import_meta_graph(meta)
            if saver is not None:
                saver.restore(session, os.fspath(input_checkpoint))
        made = convert_variables_to_constants(
            session, graph.as_graph_def(), _names(output_node_names),
            _names(variable_names_whitelist) or None, _names(variable_names_blacklist) or None)
    if output_graph:
        with open(output_graph, "wb") as file:
            file.write(made.SerializeToString())
    return made
