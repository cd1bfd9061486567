"""Session: runs parts of a graph against the server's variables."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from varscope import _core
from varscope.assertions import explained
from varscope.connection import connect, options_for
from varscope.derived import Derived
from varscope.errors import InvalidArgumentError
from varscope.feeders import Feeders, Run
from varscope.checkpoint_starts import FirstValues
from varscope.graphs import the_object
from varscope.scopes import default_graph
from varscope.separate_processes import OfOneProcess
from varscope.session_config import ConfigProto
from varscope.slices import IndexedSlices, IndexedSlicesValue
from varscope.sparse import SparseTensor, SparseTensorValue
from varscope.strings.tensors import StringTensor
from varscope.watchers import Watchers

_thread = threading.local()
LONGEST_SECONDS = 1e9  # which clocks can add


def _open_sessions() -> list[Session]:
    if not hasattr(_thread, "sessions"):
        _thread.sessions = []
    return _thread.sessions


def get_default_session() -> Session | None:
    """Returns the innermost session that is open in this thread."""
    sessions = _open_sessions()
    return sessions[-1] if sessions else None


def session_for(call: str, session: Session | None) -> Session:
    """Returns the session, else the default one. ValueError when there is none."""
    session = session or get_default_session()
    if session is None:
        raise ValueError(f"Cannot evaluate tensor using `{call}`: No default session is registered. "
                         f"Use `with sess.as_default()` or pass an explicit session to `{call}`")
    return session


class _Default:
    """Makes a session the thread's default one."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> Session:
        _open_sessions().append(self._session)
        return self._session

    def __exit__(self, *_: Any) -> None:
        _open_sessions().remove(self._session)


def _op_of(fetch: Any) -> _core.Operation:
    return fetch if isinstance(fetch, _core.Operation) else fetch.op


# From all values of a run to those of one fetch.
_Build = Callable[[list[Any]], Any]


class _Fetches:
    """What a run fetches, without its structure."""

    def __init__(self, graph: _core.Graph, run: Run) -> None:
        self._graph = graph
        self._run = run
        self.flat: list[Any] = []
        self.derived: list[Derived] = []

    def add(self, fetch: Any) -> _Build:
        if isinstance(fetch, (_core.Tensor, _core.Operation, _core.Variable)):
            return self._one(fetch)
        if isinstance(fetch, str):
            return self._one(self._by_name(fetch))
        if isinstance(fetch, StringTensor):
            own = self._run
            return lambda run: fetch.value(own)
        if isinstance(fetch, SparseTensor):
            whole = self._sequence((fetch.indices, fetch.values, fetch.dense_shape))
            return lambda run: SparseTensorValue(*whole(run))
        if isinstance(fetch, Derived):
            self.derived.append(fetch)
            parts = self.add(fetch.parts)
            return lambda run: fetch.compute(parts(run))
        if isinstance(fetch, IndexedSlices):
            rows = self._sequence((fetch.values, fetch.indices))
            shape = self._shape(fetch.dense_shape)
            return lambda run: IndexedSlicesValue(*rows(run), shape(run))
        if isinstance(fetch, (list, tuple)):
            return self._sequence(fetch)
        if isinstance(fetch, Mapping):
            parts = {key: self.add(value) for key, value in fetch.items()}
            kind = type(fetch) if isinstance(fetch, dict) else dict
            return lambda run: kind((key, part(run)) for key, part in parts.items())
        if isinstance(fetch, bytes):
            return self._one(self._by_name(fetch.decode()))
        raise TypeError(f"Fetch argument {fetch!r} has invalid type {type(fetch)!r}, must be a "
                        "string or Tensor.")

    def _shape(self, shape: Any) -> _Build:
        """The shape of what IndexedSlices are rows of, if it is known."""
        if shape is None or isinstance(shape, (_core.Tensor, _core.Variable)):
            return (lambda run: None) if shape is None else self._one(shape)
        return lambda run: np.asarray(shape, np.int32)

    def _one(self, fetch: Any) -> _Build:
        if fetch.graph != self._graph:
            raise ValueError(f"Fetch argument {fetch!r} cannot be interpreted as a Tensor. "
                             f"(Tensor {fetch!r} is not an element of this graph.)")
        index = len(self.flat)
        self.flat.append(fetch)
        return lambda run: run[index]

    def _by_name(self, name: str) -> Any:
        try:
            return self._graph.as_graph_element(name)
        except KeyError as error:
            raise ValueError(f"Fetch argument {name!r} cannot be interpreted as a Tensor. "
                             f"({error})") from None

    def _sequence(self, fetch: Any) -> _Build:
        parts = [self.add(item) for item in fetch]
        if hasattr(fetch, "_fields"):
            return lambda run: type(fetch)(*[part(run) for part in parts])
        kind = type(fetch)
        return lambda run: kind([part(run) for part in parts])


def _options(target: str | bytes, config: Any) -> _core.ConnectOptions | None:
    """What a connection takes of a session's config. TypeError for what is none."""
    if isinstance(config, ConfigProto):
        return options_for(target, threads=config.intra_op_parallelism_threads or 0)
    if config is None or isinstance(config, _core.ConnectOptions):
        return config
    raise TypeError("config must be a varscope.ConnectOptions or a tf.ConfigProto, but got "
                    f"{type(config).__name__}")


def _known_type(x: Any) -> Any:
    """A value whose type is np.int64 where NumPy has two types of 64 bits: scripts know this one."""
    if type(x) is np.longlong:
        return np.int64(x)
    return x.view(np.int64) if isinstance(x, np.ndarray) and x.dtype.char == "q" else x


class BaseSession(OfOneProcess):
    """Runs parts of a graph. Threads may run at the same time.

    A target is a server's address, '127.0.0.1:7077' or 'unix:/run/varscope.sock'. Without one it is
    the environment's VARSCOPE_TARGET; without that a private server, which ends with the graph.
    `config` is a varscope.ConnectOptions; of a tf.ConfigProto intra_op_parallelism_threads alone
    counts.
    """

    _said_when_closed = "Attempted to use a closed Session."

    def __init__(self, target: str | bytes = "", graph: _core.Graph | None = None,
                 config: Any = None) -> None:
        if graph is not None and not isinstance(graph, _core.Graph):
            raise TypeError(f"Argument `graph` must be a tf.Graph, but got \"{type(graph).__name__}\"")
        self._graph = the_object(_core.get_default_graph() if graph is None else graph)
        self._core: _core.Session | None = connect(self._graph, target, _options(target, config))
        self._feeders = Feeders(self._graph)
        self._watchers = Watchers(self._graph)
        self._first_values = FirstValues(self)

    @property
    def graph(self) -> _core.Graph:
        """The graph that it runs parts of."""
        return self._graph

    @property
    def graph_def(self) -> Any:
        """The graph's ops as a message."""
        return self._graph.as_graph_def()

    def list_devices(self) -> list[Any]:
        """Returns the devices: a processor."""
        from varscope.local_devices import list_local_devices
        return list_local_devices()

    @property
    def sess_str(self) -> str:
        """The server's address."""
        return self._graph._target

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._core is None

    @property
    def core(self) -> _core.Session:
        """The client's session. RuntimeError when this one is closed."""
        if self._core is None:
            raise RuntimeError(self._said_when_closed)
        return self._core

    @property
    def global_step(self) -> int:
        """How many pushes with gradients the server has applied, as far as this session has heard."""
        return self.core.global_step

    def run(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None, options: Any = None,
            run_metadata: Any = None) -> Any:
        """Returns the values of the fetches, in their structure: a tensor, a variable, an op (None),
        a name, or a list, tuple, dict or namedtuple of them, nested.

        `feed_dict` has values for tensors, in place of what their ops compute.
        """
        run = Run(self)
        if feed_dict is not None and not isinstance(feed_dict, Mapping):
            raise TypeError("feed_dict must be a dictionary of tensors and their values, not "
                            f"{type(feed_dict).__name__}")
        for key, value in ({} if feed_dict is None else feed_dict).items():
            self._add_feed(run, key, value)
        return self.run_inside(run, fetches)

    def make_callable(self, fetches: Any, feed_list: Sequence[Any] | None = None,
                      accept_options: bool = False) -> Callable[..., Any]:
        """Returns a function of the values of feed_list's tensors, which runs the fetches."""
        if feed_list is not None and not isinstance(feed_list, (list, tuple)):
            raise TypeError(f"Argument `feed_list` must be a list or tuple. Received: {feed_list!r}")
        fed = list(feed_list or [])

        def call(*values: Any) -> Any:
            if len(values) != len(fed):
                raise TypeError(f"the callable takes {len(fed)} values, not {len(values)}")
            return self.run(fetches, dict(zip(fed, values)))

        return call

    def run_inside(self, run: Run, fetches: Any) -> Any:
        """Returns the values of fetches in a run that has begun: with what that is fed, and has
        taken from its sources."""
        session = self.core
        wanted = _Fetches(self._graph, run)
        build = wanted.add(fetches)
        ops = [_op_of(fetch) for fetch in wanted.flat]
        watched = self._watchers.add(ops, wanted.add)
        ops += [_op_of(fetch) for fetch in wanted.flat[len(ops):]]
        begins = self._first_values.are_due(ops)
        feeds = run.feeds + self._feeders.feeds(ops, [tensor for tensor, _ in run.feeds], run)
        try:
            computed = session.run(wanted.flat, feeds)
        except InvalidArgumentError as error:
            raise explained(self._graph, error) from None
        except OverflowError as error:
            raise TypeError(f"A value of feed_dict does not fit its tensor's dtype: {error}"
                            ) from None
        if begins:
            self._first_values.give()
        computed = [_known_type(x) for x in computed]
        for watcher, parts in watched:
            watcher.saw(parts(computed))
        values = build(computed)
        for fetch in wanted.derived:
            fetch.after_run(self)
        return values

    def _add_feed(self, run: Run, key: Any, value: Any) -> None:
        if isinstance(key, tuple):
            if len(key) != len(value):
                raise ValueError(f"{len(value)} values are fed for {len(key)} tensors")
            for k, v in zip(key, value):
                self._add_feed(run, k, v)
            return
        if isinstance(key, IndexedSlices):
            self._add_feed(run, (key.values, key.indices), tuple(value)[:2])
            return
        if isinstance(key, SparseTensor):
            self._add_feed(run, (key.indices, key.values, key.dense_shape), tuple(value))
            return
        if isinstance(key, StringTensor):
            run.feed_text(key.name, value)
            return
        try:
            tensor = self._graph.as_graph_element(key)
        except (KeyError, TypeError, ValueError) as error:
            raise TypeError(f"Cannot interpret feed_dict key as Tensor: {error.args[0]}") from None
        if not isinstance(tensor, _core.Tensor):
            raise TypeError("Cannot interpret feed_dict key as Tensor: "
                            f"Can not convert a {type(tensor).__name__} into a Tensor.")
        run.feeds.append((tensor, value))

    def read(self, name: str) -> Any:
        """Returns the server's present value of any variable of the store, by its name there."""
        return self.core.read(name)

    def barrier(self, name: str, parties: int, timeout: float | None = None) -> None:
        """Waits until so many workers, this one among them, have come to the barrier; for `timeout`
        seconds, and the connection's own time if it is None.

        DeadlineExceededError when the time is over. ValueError for a timeout that is not above 0, and
        for a number of parties that is none.
        """
        if not 0 < operator.index(parties) < 1 << 32:
            raise ValueError(f"barrier '{name}': {parties} is no number of parties")
        if timeout is not None:
            if not timeout > 0:
                raise ValueError(f"barrier '{name}': the timeout is {timeout} s, and must be above 0")
            timeout = min(timeout, LONGEST_SECONDS)
        self.core.barrier(name, parties, timeout)

    def as_default(self) -> _Default:
        """Makes it the thread's default session, in a `with` block."""
        return _Default(self)

    def close(self) -> None:
        """Ends this session. What the store has stays."""
        self._core = None


class Session(BaseSession):
    """A session; in a `with` block the thread's default one, with its graph, and closed at the end."""

    def __init__(self, target: str | bytes = "", graph: _core.Graph | None = None,
                 config: Any = None) -> None:
        super().__init__(target, graph, config)
        self._defaults: list[Any] = []

    def __enter__(self) -> Session:
        defaults = [default_graph(self._graph), self.as_default()]
        for default in defaults:
            default.__enter__()
        self._defaults.append(defaults)
        return self

    def __exit__(self, *exception: Any) -> None:
        for default in reversed(self._defaults.pop()):
            default.__exit__(*exception)
        self.close()


class InteractiveSession(BaseSession):
    """A session that is the default one from its making to its close()."""

    def __init__(self, target: str | bytes = "", graph: _core.Graph | None = None,
                 config: Any = None) -> None:
        super().__init__(target, graph, config)
        self._defaults = [self.as_default()]
        if graph is not None:
            self._defaults.insert(0, default_graph(graph))
        for default in self._defaults:
            default.__enter__()

    def close(self) -> None:
        super().close()
        while self._defaults:
            self._defaults.pop().__exit__()
