"""What Python keeps for a graph, as long as the graph lives.

Ops and tensors are kept by their names: objects of them would keep the graph alive for ever.
"""

from __future__ import annotations

import threading
from typing import Any

from varscope import _core


class GraphData:
    """One graph's data."""

    def __init__(self) -> None:
        self.object: Any = None  # a weak reference to the object that Python has for it
        self.server: Any = None  # its private server
        self.objects: dict[str, list[Any]] = {}  # items of collections that are Python's alone
        self.is_chief: bool | None = None  # in a cluster
        self.feeders: dict[str, Any] = {}  # placeholders that a run feeds itself
        self.watchers: dict[str, Any] = {}  # ops that are seen when they run
        self.assertions: dict[str, str] = {}  # what those ops say that end a run
        self.first_values: dict[str, Any] = {}  # of variables, in checkpoints, by their names
        self.string_variables: dict[str, Any] = {}  # their values and shapes, by their names
        self.keras_nodes: dict[str, Any] = {}  # which layers made tensors, by their names
        self.seed: int | None = None  # of random numbers
        self.seeds_given = 0  # to ops without a seed of their own
        self.scopes: dict[int, Any] = {}  # what variable scopes have, by their keys
        self.constraints: dict[str, Any] = {}  # of variables, by their names
        self.parts: dict[str, Any] = {}  # of which variable, and by which key, tensors are parts
        self.creators = threading.local()  # of variables, that are open in each thread


def of(graph: _core.Graph) -> GraphData:
    """Returns a graph's data."""
    if graph._kept is None:
        graph._kept = GraphData()
    return graph._kept


def of_default() -> GraphData:
    """Returns the data of the default graph."""
    return of(_core.get_default_graph())
