"""Which server a graph is connected to."""

from __future__ import annotations

import os

from varscope import _core, graph_data
from varscope.private_server import PrivateServer
from varscope.training import cluster


def options_of_environment(threads: int = 0) -> _core.ConnectOptions:
    """VARSCOPE_SHARING is 'global', the default, or 'replicated': for copies of one program."""
    return _core.ConnectOptions(sharing=os.environ.get("VARSCOPE_SHARING", "global"),
                                threads=threads)


def _text_of(target: str | bytes | None) -> str:
    text = target.decode() if isinstance(target, bytes) else "" if target is None else target
    if not isinstance(text, str):
        raise TypeError(f"a target is a server's address, '127.0.0.1:7077', not {target!r}")
    return text.removeprefix("grpc://")


def _address(target: str | bytes | None) -> str:
    """What a target names: of a task of a cluster the store that all of them use."""
    text = _text_of(target)
    store = cluster.store_of(text)
    return text if store is None else os.environ.get("VARSCOPE_TARGET") or store


def options_for(target: str | bytes | None, threads: int = 0) -> _core.ConnectOptions:
    """The workers of a cluster are copies of one program."""
    if cluster.store_of(_text_of(target)) is None:
        return options_of_environment(threads)
    return _core.ConnectOptions(sharing=os.environ.get("VARSCOPE_SHARING", "replicated"),
                                threads=threads)


def connect(graph: _core.Graph, target: str | bytes | None = None,
            options: _core.ConnectOptions | None = None) -> _core.Session:
    """Returns a session of the graph, connected to the target, else to VARSCOPE_TARGET, else to a
    private server that ends with the graph.

    Raises ValueError when the graph is connected elsewhere already, and what a connection raises.
    """
    asked = _address(target)
    if graph.connected:
        if asked and graph._target and asked != graph._target:
            raise ValueError(
                f"Session('{asked}'): the graph is connected to '{graph._target}' already.")
        return _core.Session(graph, None, None)
    asked = asked or os.environ.get("VARSCOPE_TARGET", "")
    server = None if asked else PrivateServer()
    address = server.target if server else asked
    session = _core.Session(graph, address, options or options_for(target))
    graph_data.of(graph).server = server
    graph._target = address
    return session


def connect_by_environment() -> None:
    """Connects the default graph to VARSCOPE_TARGET, so that its first variable is defined there.

    Called before a variable is defined.
    """
    graph = _core.get_default_graph()
    if os.environ.get("VARSCOPE_TARGET") and not graph.connected:
        connect(graph)
