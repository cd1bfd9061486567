"""tensorflow.python.framework.graph_util."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.saved_graphs.graph_defs import (convert_variables_to_constants, extract_sub_graph,
                                              import_graph_def, remove_training_nodes)

__all__ = [
    "convert_variables_to_constants", "extract_sub_graph", "import_graph_def",
    "remove_training_nodes"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
