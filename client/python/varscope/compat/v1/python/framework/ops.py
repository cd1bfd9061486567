"""tensorflow.python.framework.ops."""

from typing import TYPE_CHECKING

from varscope._core import Graph, Operation, Tensor
from varscope.collections_ import (GraphKeys, add_to_collection, add_to_collections, get_collection,
                                   get_collection_ref)
from varscope.given_gradients import RegisterGradient
from varscope.graphs import get_default_graph, reset_default_graph
from varscope.ops import convert_to_tensor
from varscope.scopes import control_dependencies, name_scope
from varscope.session import get_default_session
from varscope.slices import IndexedSlices
from varscope.compat.v1._missing import missing_of

__all__ = [
    "Graph", "GraphKeys", "IndexedSlices", "Operation", "RegisterGradient", "Tensor",
    "add_to_collection", "add_to_collections", "control_dependencies", "convert_to_tensor",
    "get_collection", "get_collection_ref", "get_default_graph", "get_default_session",
    "name_scope", "reset_default_graph"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
