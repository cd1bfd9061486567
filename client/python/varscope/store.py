"""The store without a framework: variables by name, pulled to arrays, pushed to by gradients."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from varscope import _core, initializers, saver, scopes, session, variables
from varscope.optimizers import GradientDescentOptimizer, Optimizer
from varscope.programs import path_of
from varscope.slices import IndexedSlices


class ListedVariable(NamedTuple):
    """A variable of the store, or an optimizer's slot, as Store.list() has it."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    version: int
    created_by: str


class _Push(NamedTuple):
    """An op that pushes gradients, and what it is fed."""

    op: _core.Operation
    gradients: list[Any]


class Store:
    """A connection to a server's store. Made by varscope.connect().

    Variables are varscope's variables: their names and scopes are TensorFlow 1's. Threads may pull
    and push at the same time; what makes variables and scopes is for one thread at a time.
    """

    def __init__(self, target: str | None = None,
                 options: _core.ConnectOptions | None = None) -> None:
        self._graph = _core.Graph()
        self._session = session.BaseSession(target or "", self._graph, options)
        self._pushes: dict[Any, _Push] = {}
        self._assigns: dict[_core.Variable, tuple[_core.Tensor, _core.Tensor]] = {}

    @property
    def target(self) -> str:
        """The server's address, for other processes."""
        return self._graph._target

    @property
    def worker_id(self) -> str:
        return self._graph.worker_id

    @property
    def graph(self) -> _core.Graph:
        """The graph that this connection's variables are in."""
        return self._graph

    @property
    def session(self) -> session.BaseSession:
        """A session of the graph, for what this class does not have."""
        return self._session

    @property
    def global_step(self) -> int:
        """How many pushes with gradients the server has applied, as far as this worker has heard."""
        return self._session.global_step

    def close(self) -> None:
        """Ends this connection's use: every later call is a RuntimeError. What the store has stays."""
        self._session.close()

    def variable_scope(self, *arguments: Any, **keywords: Any) -> Any:
        """A scope for get_variable, in a `with` block; the arguments of tf.variable_scope."""
        return _InGraph(self._graph, scopes.variable_scope(*arguments, **keywords))

    def get_variable(self, name: str, shape: Any = None, dtype: Any = None,
                     initializer: Any = None, *, reuse: Any = None,
                     trainable: bool | None = None) -> _core.Variable:
        """Returns the variable of this name: one that some worker created, or a new one.

        reuse: True shares only, False creates only; None is the scope's True, else AUTO_REUSE.
        ValueError when the store has another shape or dtype under this name, with both creators.
        """
        with self._graph.as_default():
            if reuse is None:
                reuse = _core.get_variable_scope().reuse or scopes.AUTO_REUSE
            variable = variables.get_variable(name, shape, dtype, initializer,
                                              trainable=trainable, reuse=reuse)
        self._initialize(initializer)
        return variable

    def Variable(self, initial_value: Any, name: str | None = None, dtype: Any = None,
                 trainable: bool = True) -> _core.Variable:
        """Returns a new variable, always: its name is made unique in the store."""
        with self._graph.as_default():
            variable = _core.Variable(initial_value, trainable, name=name, dtype=dtype)
        self._initialize(initial_value)
        return variable

    def _initialize(self, initial_value: Any) -> None:
        """Gives the server a first value of many bytes, which it does not get with the definition."""
        if _may_be_large(initial_value):
            with self._graph.as_default():
                self._session.run(_core.global_variables_initializer())

    def pull(self, what: Any) -> Any:
        """Returns the present value of a variable as an array; of a list or dict, one consistent set
        of values in its form. Of a name: of any variable of the store, as read().

        The arrays are the received bytes, without a copy: they cannot be written.
        """
        if isinstance(what, str):
            return self._session.read(what)
        if isinstance(what, _core.Variable):
            return self._session.core.pull([what])[0]
        if isinstance(what, Mapping):
            return dict(zip(what, self._session.core.pull(list(what.values()))))
        return self._session.core.pull(list(what))

    def read(self, name: str) -> Any:
        """Returns the present value of any variable of the store, by its name there."""
        return self._session.read(name)

    def assign(self, values: Mapping[_core.Variable, Any]) -> None:
        """Sets variables to new values, all at once."""
        with self._graph.as_default():
            for variable in values:
                if variable not in self._assigns:
                    fed = _core.placeholder(variable.dtype, variable.shape)
                    self._assigns[variable] = (fed, _core.assign(variable, fed))
        feeds = {self._assigns[variable][0]: value for variable, value in values.items()}
        self._session.run([self._assigns[variable][1].op for variable in values], feeds)

    def push(self, gradients: Mapping[_core.Variable, Any],
             optimizer: Optimizer | float) -> None:
        """Pushes gradients, which the server applies together, by the optimizer's rule.

        A gradient is an array of the variable's shape, or IndexedSlices(values, indices): some rows.
        An optimizer keeps its slots; a number is the learning rate of gradient descent.
        """
        push = self._push_of(gradients, optimizer)
        feeds = {}
        for fed, gradient in zip(push.gradients, gradients.values()):
            if isinstance(fed, IndexedSlices):
                feeds[fed.values], feeds[fed.indices] = gradient.values, gradient.indices
            else:
                feeds[fed] = gradient
        self._session.run(push.op, feeds)

    def _push_of(self, gradients: Mapping[_core.Variable, Any],
                 optimizer: Optimizer | float) -> _Push:
        sparse = tuple(isinstance(gradient, IndexedSlices) for gradient in gradients.values())
        key = (tuple(gradients), sparse, optimizer)
        if key not in self._pushes:
            rule = optimizer if isinstance(optimizer, Optimizer) else GradientDescentOptimizer(
                optimizer)
            with self._graph.as_default():
                fed = [gradient_of(variable, rows) for variable, rows in zip(gradients, sparse)]
                self._pushes[key] = _Push(
                    rule.apply_gradients(list(zip(fed, gradients))), fed)
        return self._pushes[key]

    def barrier(self, name: str, parties: int, timeout: float | None = None) -> None:
        """Waits until so many workers, this one among them, have come to the barrier.

        DeadlineExceededError when the time is over: it says who is missing.
        """
        self._session.barrier(name, parties, timeout)

    def save(self, path: str, var_list: Any = None) -> str:
        """Writes a checkpoint of this connection's variables; see Saver."""
        return self._saver(var_list).save(self._session, path)

    def restore(self, path: str, var_list: Any = None) -> None:
        """Assigns a checkpoint's values to this connection's variables; see Saver."""
        self._saver(var_list).restore(self._session, path)

    def _saver(self, var_list: Any) -> saver.Saver:
        with self._graph.as_default():
            return saver.Saver(var_list)

    def snapshot(self, name: str | None = None) -> str:
        """Has the server write everything to its data directory, and returns the path there.

        RuntimeError when it does not, with what varscopectl says: a server without a data directory
        has none.
        """
        return self._control("snapshot", name).strip()

    def list(self, prefix: str = "") -> list[ListedVariable]:
        """Returns all variables of the store whose names start with the prefix, slots among them."""
        lines = self._control("list").splitlines()
        if not lines or not lines[0].startswith("NAME"):
            return []
        rows = [_listed(lines[0], line) for line in lines[1:-1]]
        return [row for row in rows if row.name.startswith(prefix)]

    def _control(self, *arguments: str | None) -> str:
        done = subprocess.run(
            [path_of("varscopectl"), "--target", self.target, *filter(None, arguments)],
            capture_output=True, text=True, check=False,
            env={key: value for key, value in os.environ.items()
                 if not key.startswith("VARSCOPE_")})
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout


class _InGraph:
    """A scope in a graph, which is the default one inside it."""

    def __init__(self, graph: _core.Graph, scope: Any) -> None:
        self._default = scopes.default_graph(graph)
        self._scope = scope

    def __enter__(self) -> Any:
        self._default.__enter__()
        try:
            return self._scope.__enter__()
        except BaseException:
            self._default.__exit__()
            raise

    def __exit__(self, *exception: Any) -> None:
        self._scope.__exit__(*exception)
        self._default.__exit__(*exception)


def _may_be_large(initial_value: Any) -> bool:
    """Whether it is an array or a tensor, and not a number or the server's own rule."""
    if isinstance(initial_value, (_core.Initializer, initializers.Initializer, type)):
        return False
    return initial_value is not None and not np.isscalar(initial_value)


def gradient_of(variable: _core.Variable, rows: bool) -> Any:
    """What a push is fed for a variable."""
    if not rows:
        return _core.placeholder(variable.dtype, variable.shape)
    values = _core.placeholder(variable.dtype, [None, *variable.shape.as_list()[1:]])
    return IndexedSlices(values, _core.placeholder("int64", [None]))


def _listed(head: str, line: str) -> ListedVariable:
    """A line of `varscopectl list`, whose columns begin where those of its head do."""
    columns = [head.index(title) for title in ("NAME", "SHAPE", "DTYPE", "VERSION", "CREATED BY")]
    ends = [*columns[1:], len(line)]
    name, shape, dtype, version, creator = (
        line[start:end].strip() for start, end in zip(columns, ends))
    dims = tuple(int(n) for n in shape.strip("()").split(",") if n.strip())
    return ListedVariable(name, dims, dtype, int(version), creator)


def connect(target: str | None = None, **options: Any) -> Store:
    """Connects to the server at the target, else at VARSCOPE_TARGET, else to a private server, which
    ends with the program.

    Options are those of ConnectOptions: worker_id, sharing, timeout, ...
    """
    return Store(target, _core.ConnectOptions(**options) if options else None)
