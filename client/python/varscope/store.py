"""The store without a framework: variables by name, pulled to arrays, pushed to by gradients."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypedDict, Unpack, get_type_hints

import numpy as np

from varscope import (_core, checkpoint_paths, control, first_values, initializers, saver, scopes,
                      session, variables)
from varscope.control import ListedVariable
from varscope.given_values import GivenValues
from varscope.gradients_given import gradient_given, gradient_of, rule_of
from varscope.optimizers import Optimizer
from varscope.rules import GivenRule, Rule
from varscope.separate_processes import OfOneProcess
from varscope.session import LONGEST_SECONDS
from varscope.slices import IndexedSlices
from varscope.values import numbers_for, value_for


class _Push(NamedTuple):
    """An op that pushes gradients, and what it is fed."""

    op: _core.Operation
    gradients: list[Any]
    learning_rate: _core.Tensor | None  # where a number is given in place of an optimizer


class _StoreSession(session.BaseSession):
    """The session of a store."""

    _said_when_closed = "the Store is closed: varscope.connect() makes another one"


class Store(OfOneProcess):
    """A connection to a server's store. Made by varscope.connect().

    Variables are varscope's variables: their names and scopes are TensorFlow 1's. Threads may pull
    and push at the same time; what makes variables and scopes is for one thread at a time. In a `with`
    block it is closed at the end.
    """

    def __init__(self, target: str | None = None,
                 options: _core.ConnectOptions | None = None) -> None:
        self._graph = _core.Graph()
        self._session = _StoreSession(target or "", self._graph, options)
        self.given = GivenValues(self._session)
        self._pushes: dict[Any, _Push] = {}
        self._assigns: dict[_core.Variable, tuple[_core.Tensor, _core.Tensor]] = {}
        self._lookups: dict[_core.Variable, tuple[_core.Tensor, _core.Tensor]] = {}
        self._making = threading.RLock()  # pushes, assigns and lookups

    def __enter__(self) -> Store:
        self._check_is_open()
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<varscope.Store of {self.target}>"

    @property
    def target(self) -> str:
        """The server's address, for other processes."""
        return self._graph._target

    @property
    def worker_id(self) -> str:
        """What the server calls this connection, in its messages and lists."""
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

    @property
    def dropped_pushes(self) -> int:
        """How many of this connection's pushes the server has taken and not applied: computed from values
        that are too old, or that the store has no more, or with NaN that their group skips."""
        return self._session.core.dropped_pushes

    def close(self) -> None:
        """Ends this connection's use: every later call is a RuntimeError. What the store has stays."""
        self._session.close()

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._session.closed

    def _check_is_open(self) -> None:
        _ = self._session.core

    def variable_scope(self, *arguments: Any, **keywords: Any) -> Any:
        """A scope for get_variable, in a `with` block; the arguments of tf.variable_scope."""
        self._check_is_open()
        return _InGraph(self._graph, scopes.variable_scope(*arguments, **keywords))

    def get_variable(self, name: str, shape: Any = None, dtype: Any = None,
                     initializer: Any = None, *, reuse: Any = None,
                     trainable: bool | None = None) -> _core.Variable:
        """Returns the variable of this name: one that some worker created, or a new one.

        reuse: True shares only, False creates only; None is the scope's True, else AUTO_REUSE.
        ValueError when the store has another shape or dtype under this name, with both creators. A
        first value is refused as assign() refuses values; then there is no variable.
        """
        self._check_is_open()
        if not isinstance(name, str):
            raise TypeError(f"get_variable() needs a string as the name, not {name!r}")
        with self._graph.as_default():
            scope = _core.get_variable_scope()
            if reuse is None:
                reuse = scope.reuse or scopes.AUTO_REUSE
            full_name = f"{scope.name}/{name}" if scope.name else name
            first = first_values.checked(full_name, initializer, dtype)
            variable = variables.get_variable(name, shape, dtype, first,
                                              trainable=trainable, reuse=reuse)
        first_values.check_fits(variable, first, dtype)
        self._initialize(variable, first)
        return variable

    def Variable(self, initial_value: Any, name: str | None = None, dtype: Any = None,
                 trainable: bool = True) -> _core.Variable:
        """Returns a new variable, always: its name is made unique in the store. First values are
        refused as get_variable() refuses them.
        """
        self._check_is_open()
        if initial_value is None:
            raise ValueError("initial_value must be specified.")
        with self._graph.as_default():
            first = first_values.checked(name or "Variable", initial_value, dtype)
            variable = _core.Variable(first, trainable, name=name, dtype=dtype)
        self._initialize(variable, first)
        return variable

    def _initialize(self, variable: _core.Variable, initial_value: Any) -> None:
        """Gives the server a first value of many bytes, which it does not get with the definition."""
        if not _may_be_large(initial_value):
            return
        if isinstance(variable, _core.Variable):
            self.given.give([variable])
            return
        with self._graph.as_default():  # a custom getter has made something else of the variable
            self._session.run(_core.global_variables_initializer())

    def pull(self, what: Any) -> Any:
        """Returns the present value of a variable as an array; of a list or dict, one consistent set
        of values in its form. Of a name: of any variable of the store, as read().

        The arrays are the received bytes, without a copy: they cannot be written.
        """
        if isinstance(what, str):
            return self._session.read(what)
        if isinstance(what, _core.Variable):
            return self._pull([self._own(what, "pull")])[0]
        if isinstance(what, Mapping):
            return dict(zip(what, self.pull(list(what.values()))))
        if not isinstance(what, Iterable) or isinstance(what, (bytes, _core.Tensor)):
            raise TypeError("pull() takes a variable, a name, or a list or dict of variables, not "
                            f"{what!r}")
        return self._pull([self._own(variable, "pull") for variable in what])

    def _pull(self, fetches: list[Any], feeds: Any = ()) -> list[Any]:
        return self.given.run(lambda: self._session.core.pull(fetches, list(feeds)))

    def pull_rows(self, variable: _core.Variable, rows: Any) -> Any:
        """Returns the present values of a variable's rows, by their numbers, in the shape of `rows`.

        Of a large variable only these travel, each once; more than half of it travels whole.
        TypeError for what are no numbers of rows, InvalidArgumentError for one that there is not.
        """
        numbers = numbers_for(self._own(variable, "pull_rows"), rows)
        with self._making, self._graph.as_default():
            if variable not in self._lookups:
                fed = _core.placeholder("int64", None)
                self._lookups[variable] = fed, _core._gather(variable, fed, None)
        fed, looked_up = self._lookups[variable]
        return self._pull([looked_up], [(fed, numbers)])[0]

    def read(self, name: str) -> Any:
        """Returns the present value of any variable of the store, by its name there."""
        if not isinstance(name, str):
            raise TypeError(f"read() takes a variable's name, not {name!r}; pull() takes variables")
        return self._session.read(name)

    def _own(self, variable: Any, call: str) -> _core.Variable:
        """Returns it. TypeError for what is no variable, ValueError for another store's."""
        if not isinstance(variable, _core.Variable):
            raise TypeError(f"{call}() takes variables, which get_variable() returns, not "
                            f"{variable!r}")
        if variable.graph != self._graph:
            raise ValueError(f"{call}(): variable '{variable.op.name}' is not of this connection: "
                             "get_variable() returns this one's variable of that name")
        return variable

    def _own_keys(self, values: Any, call: str) -> None:
        if not isinstance(values, Mapping):
            raise TypeError(f"{call}() takes a dict, of variables and their arrays, not {values!r}")
        for variable in values:
            self._own(variable, call)

    def assign(self, values: Mapping[_core.Variable, Any]) -> None:
        """Sets variables to new values, all at once.

        TypeError for numbers that the variable's dtype does not have, ValueError for another shape.
        """
        self._check_is_open()
        self._own_keys(values, "assign")
        arrays = {variable: value_for(variable, value, "the value")
                  for variable, value in values.items()}
        with self._making, self._graph.as_default():
            for variable in arrays:
                if variable not in self._assigns:
                    fed = _core.placeholder(variable.dtype, variable.shape)
                    self._assigns[variable] = (fed, _core.assign(variable, fed))
        feeds = {self._assigns[variable][0]: array for variable, array in arrays.items()}
        self._session.run([self._assigns[variable][1].op for variable in arrays], feeds)

    def push(self, gradients: Mapping[_core.Variable, Any],
             optimizer: Optimizer | float) -> None:
        """Pushes gradients, which the server applies together, by the optimizer's rule.

        A gradient is an array of the variable's shape, or IndexedSlices(values, indices): some rows.
        An optimizer keeps its slots; one with the same numbers is the same one. A number is the
        learning rate of gradient descent. What is computed from values that the store has no more, after
        a restart without a data directory or a rollback, is dropped: see dropped_pushes.

        TypeError and ValueError for gradients that are none of their variables.
        """
        self._check_is_open()
        self._own_keys(gradients, "push")
        rule, rate = rule_of(optimizer)
        arrays = [gradient_given(variable, gradient) for variable, gradient in gradients.items()]
        sparse = tuple(isinstance(array, tuple) for array in arrays)
        with self._making:
            push = self._push_of(tuple(gradients), sparse, rule)
        feeds = {} if push.learning_rate is None else {push.learning_rate: rate}
        for fed, array in zip(push.gradients, arrays):
            if isinstance(fed, IndexedSlices):
                feeds[fed.values], feeds[fed.indices] = array
            else:
                feeds[fed] = array
        self.given.run(lambda: self._session.run(push.op, feeds))

    def _push_of(self, trained: tuple[_core.Variable, ...], sparse: tuple[bool, ...],
                 rule: Rule | GivenRule) -> _Push:
        key = (trained, sparse, rule.settings)
        if key not in self._pushes:
            with self._graph.as_default():
                fed = [gradient_of(variable, rows) for variable, rows in zip(trained, sparse)]
                built = rule.build()
                self._pushes[key] = _Push(built.optimizer.apply_gradients(list(zip(fed, trained))),
                                          fed, built.fed.get("learning_rate"))
        return self._pushes[key]

    def barrier(self, name: str, parties: int, timeout: float | None = None) -> None:
        """Waits until so many workers, this one among them, have come to the barrier.

        DeadlineExceededError when the time is over, in seconds: it says who is there.
        """
        self._session.barrier(name, parties, timeout)

    def save(self, path: str | os.PathLike[str], var_list: Any = None) -> str:
        """Writes a checkpoint of this connection's variables, NAME.safetensors, NAME.npz or, for
        TensorFlow's, NAME.ckpt; see Saver. ValueError for a path that is none of these.
        """
        written, of = checkpoint_paths.to_write(path), self._saver(var_list)
        return self.given.run(lambda: of.save(self._session, written))

    def restore(self, path: str | os.PathLike[str], var_list: Any = None) -> None:
        """Assigns a checkpoint's values to this connection's variables; see Saver."""
        self._saver(var_list).restore(self._session, path)

    def _saver(self, var_list: Any) -> saver.Saver:
        with self._graph.as_default():
            return saver.Saver(var_list)

    def snapshot(self, name: str | None = None) -> str:
        """Has the server write everything to its data directory, and returns the path there.

        UnavailableError when no server answers; DeadlineExceededError when none does in time, and
        then it may still happen; RuntimeError when the server refuses, with what varscopectl says: one
        without a data directory has none.
        """
        self._check_is_open()
        return control.snapshot(self.target, name)

    def list(self, prefix: str = "") -> list[ListedVariable]:
        """Returns all variables of the store whose names start with the prefix, slots among them.

        UnavailableError when no server answers; DeadlineExceededError when none does in time;
        RuntimeError when the server refuses.
        """
        self._check_is_open()
        if not isinstance(prefix, str):
            raise TypeError(f"list() takes how the names start, not {prefix!r}")
        return [listed for listed in control.variables(self.target) if listed.name.startswith(prefix)]


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


class Options(TypedDict, total=False):
    """What connect() takes, with the types of ConnectOptions."""

    worker_id: str
    sharing: str
    timeout: float
    cache_pulls: bool
    prefetch: bool
    checksums: bool
    transport: str
    threads: int


def connect(target: str | None = None, **options: Unpack[Options]) -> Store:
    """Connects to the server at the target, else at VARSCOPE_TARGET, else to a private server, which
    ends with the program.

    Options are those of ConnectOptions: worker_id, sharing, timeout, ... Without any of them
    VARSCOPE_SHARING says how programs share. TypeError for what is no option, ValueError for a timeout
    that is not above 0.
    """
    kinds = get_type_hints(Options)
    for option, value in options.items():
        if option not in kinds:
            raise TypeError(f"connect() has no option '{option}', but {', '.join(kinds)}")
        if not isinstance(value, (int, float) if kinds[option] is float else kinds[option]):
            raise TypeError(f"connect(): the option '{option}' is {value!r}, and must be of type "
                            f"{kinds[option].__name__}")
    timeout = options.get("timeout")
    if isinstance(timeout, (int, float)) and not 0 < timeout <= LONGEST_SECONDS:
        raise ValueError(f"connect(): the timeout is {timeout} s, and must be above 0, and at most "
                         f"{LONGEST_SECONDS:g}")
    return Store(target, _core.ConnectOptions(**options) if options else None)
