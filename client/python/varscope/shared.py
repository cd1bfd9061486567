"""A model's arrays as variables of a store: what varscope.torch and varscope.jax have in common."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from varscope import _core, checkpoint_paths, first_values, saver, scopes, variables
from varscope.gradients_given import gradient_of
from varscope.rules import GivenRule, Rule
from varscope.slices import IndexedSlices
from varscope.store import Store
from varscope.values import as_dtype, rows_for

# Of these a worker has rounded copies. The store adds small updates to float32.
_HALF = ("float16", "bfloat16")
_CHARACTERS = re.compile(r"[A-Za-z0-9_.\\/>-]*")


class Array(NamedTuple):
    """One of a model's arrays, as a framework has it."""

    name: str                     # the framework's own, which errors say: 'encoder.0.weight'
    path: str                     # the variable's under the scope: 'encoder/0/weight'
    dtype: str
    value: Callable[[], Any]      # its present value; halves may come as float32
    trainable: bool = True


def stored_dtype(name: str, dtype: str) -> str:
    """Returns the dtype of an array's variable. TypeError when the store has none for it."""
    if dtype in _HALF:
        return "float32"
    try:
        _core.as_dtype(dtype)
    except TypeError:
        raise TypeError(f"parameter '{name}' is {dtype}, a dtype that varscope's variables do not "
                        "have") from None
    return dtype


def _check_names(arrays: list[Array]) -> None:
    """ValueError for a name that no variable could have, and for two of one variable."""
    first: dict[str, str] = {}
    for array in arrays:
        if not isinstance(array.path, str):
            raise TypeError(f"parameter '{array.name}': rename() has returned {array.path!r}, not a "
                            "string")
        wrong = sorted(set(_CHARACTERS.sub("", array.path)))
        if wrong or not array.path:
            said = f"has {' '.join(map(repr, wrong))} in its name" if wrong else "has no name"
            raise ValueError(f"parameter '{array.name}' {said}; a variable's name has letters, "
                             "digits and _ . - / > \\ only: share(..., rename=...) gives another")
        if array.path in first:
            raise ValueError(f"parameters '{first[array.path]}' and '{array.name}' would both be "
                             f"the variable '{array.path}': share(..., rename=...) gives another "
                             "name")
        first[array.path] = array.name


class SharedArrays:
    """A model's arrays, each with its variable: the first worker creates it, the others attach.

    Whoever creates gives the first values; the others' own ones are not used.
    """

    def __init__(self, store: Store, scope: str | None, arrays: list[Array]) -> None:
        if not isinstance(store, Store):
            raise TypeError(f"share() takes a store, which varscope.connect() returns, not {store!r}")
        if not isinstance(scope, str | None):
            raise TypeError(f"share() takes the name of a scope, not {scope!r}")
        _check_names(arrays)
        if not arrays:
            raise ValueError("there are no parameters to share")
        dtypes = [stored_dtype(array.name, array.dtype) for array in arrays]
        self.store = store
        self.variables: dict[str, _core.Variable] = {}
        self._trained = {array.name for array in arrays if array.trainable}
        self._assigns: dict[str, tuple[_core.Tensor, _core.Operation]] = {}
        prefix = f"{scope}/" if scope else ""
        with store.graph.as_default():
            for array, dtype in zip(arrays, dtypes):
                self.variables[array.name] = _define(prefix + array.path, array, dtype)
        self._shapes = {name: tuple(variable.shape.as_list())
                        for name, variable in self.variables.items()}
        self._dtypes = {array.name: np.dtype(_core.as_dtype(dtype).as_numpy_dtype)
                        for array, dtype in zip(arrays, dtypes)}

    def first_values(self) -> dict[str, Any]:
        """The store's values, after it has got this worker's where it had none."""
        self.store.given.add(self.variables.values())
        return self.pull()

    def pull(self, names: Iterable[str] | None = None) -> dict[str, Any]:
        """Returns one consistent set of values, of all arrays or of some, which cannot be written."""
        wanted = list(self.variables) if names is None else list(names)
        fetches = [self.variables[name] for name in wanted]
        fetched = self.store.given.run(lambda: self.store.session.core.pull(fetches))
        return dict(zip(wanted, fetched))

    def rows(self, name: str, numbers: Any) -> Any:
        """Returns rows of one array, by their numbers, which cannot be written."""
        return self.store.pull_rows(self.variables[name], numbers)

    def assign(self, values: Mapping[str, Any]) -> None:
        """Sets variables, all at once. ValueError for another shape, TypeError for what the dtype does
        not have."""
        feeds = []
        values = {name: self.array_of(name, value, "the value") for name, value in values.items()}
        with self.store.graph.as_default():
            for name, value in values.items():
                variable = self.variables[name]
                if name not in self._assigns:
                    fed = _core.placeholder(variable.dtype, variable.shape)
                    assigned = _core.assign(variable, fed).op
                    if name not in self._trained:
                        _core._allow_nonfinite(assigned)  # a mask has infinities
                    self._assigns[name] = (fed, assigned)
                feeds.append((self._assigns[name][0], value))
        self.store.session.core.run([self._assigns[name][1] for name in values], feeds)

    def array_of(self, name: str, value: Any, what: str) -> Any:
        """Returns it as an array of the variable's dtype and shape. Errors as assign()'s."""
        array = as_dtype(value, self._dtypes[name], f"parameter '{name}': {what}")
        self.check_shape(name, array.shape, what)
        return array

    def rows_of(self, name: str, rows: IndexedSlices) -> IndexedSlices:
        """The same of a gradient's rows."""
        return IndexedSlices(*rows_for(self.variables[name], rows.values, rows.indices,
                                       f"parameter '{name}': the gradient"))

    def check_shape(self, name: str, shape: Iterable[int], what: str) -> None:
        """ValueError unless it is the variable's."""
        if tuple(shape) != self._shapes[name]:
            raise ValueError(f"parameter '{name}': {what} has the shape {tuple(shape)}, and its "
                             f"variable '{self.variables[name].name}' has {self._shapes[name]}")

    def save(self, path: str | os.PathLike[str], names: Mapping[str, str]) -> str:
        """Writes one consistent set of values; `names` has the array of each name in the file."""
        written = checkpoint_paths.to_write(path)
        of = self._saver(names)
        return self.store.given.run(lambda: of.save(self.store.session, written))

    def restore(self, path: str | os.PathLike[str], names: Mapping[str, str]) -> None:
        """Assigns a checkpoint's values: all of it or nothing."""
        self._saver(names).restore(self.store.session, path)

    def _saver(self, names: Mapping[str, str]) -> saver.Saver:
        with self.store.graph.as_default():
            return saver.Saver({name: self.variables[of] for name, of in names.items()})


def _define(name: str, array: Array, dtype: str) -> _core.Variable:
    """Creates or attaches. ValueError, with the parameter's name, when another worker's differs;
    InvalidArgumentError for NaN and infinities in what is trained.
    """
    value = as_dtype(array.value(), np.dtype(_core.as_dtype(dtype).as_numpy_dtype),
                     f"parameter '{array.name}'")
    if array.trainable:
        first_values.check_finite(value, f"parameter '{array.name}'")
    try:
        variable = variables.get_variable(name, None, dtype, value,
                                          trainable=array.trainable, reuse=scopes.AUTO_REUSE)
        first_values.check_fits(variable, value, dtype)
    except ValueError as error:
        raise ValueError(f"parameter '{array.name}': {error}") from None
    return variable


# The arrays that are pushed, and whether as rows; those whose values come back.
_Key = tuple[tuple[tuple[str, bool], ...], tuple[str, ...]]


class _Plan(NamedTuple):
    """What a step runs, and what it is fed."""

    gradients: list[Any]            # placeholders, or IndexedSlices of them
    pushes: list[_core.Operation]
    brings: tuple[str, ...]
    fetches: list[_core.Tensor]     # the values of `brings` after the pushes


class Pushes:
    """The steps of one optimizer: each pushes gradients, and brings back the values after it, in one
    request; of several groups of the server's, in one for each.
    """

    def __init__(self, arrays: SharedArrays, rules: list[tuple[Rule | GivenRule, list[str]]],
                 trained: list[str], brings: list[str]) -> None:
        """`rules` has the arrays that each rule may train, `trained` those that it will, `brings`
        those whose values come back, unless a push says otherwise. ValueError when none is trained.
        """
        if not trained:
            raise ValueError("there is no parameter to train: none is of floating point, or requires "
                             "a gradient")
        self._arrays = arrays
        self._brings = tuple(brings)
        self._plans: dict[_Key, _Plan] = {}
        with arrays.store.graph.as_default():
            self._rules = [(rule.build(), names) for rule, names in rules]
        # The creator of slots is the line that makes the optimizer.
        self._plan_of(tuple((name, False) for name in trained), self._brings)

    def push(self, gradients: Mapping[str, Any], hyperparameters: list[Mapping[str, float]],
             brings: Iterable[str] | None = None) -> dict[str, Any]:
        """Returns the values, as SharedArrays.pull. `hyperparameters` has those of each rule."""
        plan = self._plan_of(tuple((name, isinstance(gradient, IndexedSlices))
                                   for name, gradient in gradients.items()),
                             self._brings if brings is None else tuple(brings))
        feeds: list[tuple[_core.Tensor, Any]] = []
        for fed, gradient in zip(plan.gradients, gradients.values()):
            if isinstance(fed, IndexedSlices):
                feeds += [(fed.values, gradient.values), (fed.indices, gradient.indices)]
            else:
                feeds.append((fed, gradient))
        for (built, _), given in zip(self._rules, hyperparameters):
            feeds += [(fed, given[key]) for key, fed in built.fed.items()]
        store = self._arrays.store
        session = store.session.core
        if not plan.fetches:
            store.given.run(lambda: session.run(plan.pushes, feeds))
            return {}
        values = store.given.run(lambda: session.pull(plan.fetches, feeds))
        return dict(zip(plan.brings, values))

    def _plan_of(self, pushed: tuple[tuple[str, bool], ...], brings: tuple[str, ...]) -> _Plan:
        key = pushed, brings
        if key not in self._plans:
            with self._arrays.store.graph.as_default():
                self._plans[key] = self._new_plan(dict(pushed), brings)
        return self._plans[key]

    def _new_plan(self, sparse: Mapping[str, bool], brings: tuple[str, ...]) -> _Plan:
        of = self._arrays.variables
        fed = {name: gradient_of(of[name], rows) for name, rows in sparse.items()}
        gradients = {name: gradient if name in brings else _of_rows_read(gradient)
                     for name, gradient in fed.items()}
        pushes = []
        for built, names in self._rules:
            pairs = [(gradients[name], of[name]) for name in names if name in fed]
            if pairs:
                pushes.append(built.optimizer.apply_gradients(pairs))
        with scopes.control_dependencies(pushes):
            fetches = [of[name].value() for name in brings]
        return _Plan(list(fed.values()), pushes, brings, fetches)


def _of_rows_read(gradient: Any) -> Any:
    """The same gradient, of which a push does not say from which version of the whole variable it was
    computed, as it does of what it is fed: the worker has read rows since."""
    if not isinstance(gradient, IndexedSlices):
        return gradient
    return IndexedSlices(_core.identity(gradient.values), gradient.indices)
