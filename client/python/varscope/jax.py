"""JAX pytrees whose arrays are variables of a store.

    shared = varscope.jax.share(params, store, "model")
    optimizer = varscope.jax.adam(shared, 1e-3)
    params = shared.params
    for batch in batches:
        params = optimizer.step(gradients(params, batch))

`gradients` may be jitted; step() is not: it talks to the server. `params["encoder"][0]["w"]` is the
variable `model/encoder/0/w`: the first worker creates it, the others attach and take its value.
step() pushes the gradients, the server applies them as its groups say, and the new values come back
in the same request.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from varscope.optimizers import Optimizer as ServerOptimizer
from varscope.rules import GivenRule, Rule
from varscope.separate_processes import OfOneProcess
from varscope.shared import Array, Pushes, SharedArrays
from varscope.slices import IndexedSlices
from varscope.store import Store, connect

__all__ = ["Optimizer", "SharedTree", "adagrad", "adam", "adamw", "rmsprop", "sgd", "share"]

Number = float | Callable[[int], Any]


def share(tree: Any, store: Store | None = None, scope: str | None = None, *,
          rename: Callable[[str], str] | None = None) -> SharedTree:
    """Makes a pytree's arrays variables under the scope, and returns the handle.

    Without a store: that of varscope.connect(). An array's name is its path, keys and indices with
    slashes between them; `rename` gives another one for it. None is no array, as for JAX. `params` of
    the result are the store's values.

    ValueError when the store has another shape, dtype or kind under a name, with both creators; for a
    name that no variable can have. TypeError for a leaf that is no array, and for a dtype that
    variables do not have.
    """
    return SharedTree(tree, store or connect(), scope, rename or str)


class SharedTree(OfOneProcess):
    """A pytree whose arrays are variables of a store. Made by share().

    Arrays of floating point are trained; others are variables that nobody trains. A float16 or
    bfloat16 array's variable is float32, and the worker has it rounded.
    """

    def __init__(self, tree: Any, store: Store, scope: str | None,
                 rename: Callable[[str], str]) -> None:
        self.store = store
        named = [(name, leaf) for name, leaf in _named(tree) if leaf is not None]
        leaves = {name: _array_of(name, leaf) for name, leaf in named}
        if len(leaves) < len(named):
            names = [name for name, _ in named]
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"two of the tree's arrays have the path '{twice}'")
        # Without jax_enable_x64 a float64 array of NumPy's is float32.
        self._dtypes = {name: jax.dtypes.canonicalize_dtype(leaf.dtype)
                        for name, leaf in leaves.items()}
        self._places = {name: _place_of(leaf) for name, leaf in leaves.items()}
        # A structure without paths, which is found faster.
        self._structure = jax.tree_util.tree_structure(tree)
        self.trained = [name for name, dtype in self._dtypes.items() if _is_trained(dtype)]
        self.arrays = SharedArrays(store, scope, [
            Array(name, rename(name), str(dtype), _Value(leaves[name]), _is_trained(dtype))
            for name, dtype in self._dtypes.items()])
        self._params = self.tree_of(self.arrays.first_values())

    def __repr__(self) -> str:
        return f"<varscope.jax.SharedTree of {len(self._dtypes)} arrays at {self.store.target}>"

    @property
    def params(self) -> Any:
        """The tree of the values that came last: by share(), pull() or an optimizer's step()."""
        return self._params

    def variable(self, name: str) -> Any:
        """Returns the variable of the array with this path, 'encoder/0/w'."""
        return self.arrays.variables[name]

    def pull(self) -> Any:
        """Returns the tree of the store's present values."""
        self._params = self.tree_of(self.arrays.pull())
        return self._params

    def assign(self, tree: Any) -> None:
        """Sets the store's values to those of a tree. ValueError when it is another tree, TypeError for
        what is no array, or has numbers that a variable's dtype does not have.
        """
        values = {name: _host(_array_of(name, leaf))
                  for name, leaf in self.leaves(tree, "the tree").items()}
        self.arrays.assign(values)
        # The next gradients are of values that the worker has read: these.
        self.pull()

    def save(self, path: str | os.PathLike[str]) -> str:
        """Writes the store's present values by their paths, 'encoder/0/w', and returns the path.

        With '.safetensors' at its end safetensors.numpy.load_file() reads it.
        """
        return self.arrays.save(path, {name: name for name in self.arrays.variables})

    def restore(self, path: str | os.PathLike[str]) -> Any:
        """Assigns a checkpoint to the store, all of it or nothing, and returns the tree."""
        self.arrays.restore(path, {name: name for name in self.arrays.variables})
        return self.pull()

    def tree_of(self, values: dict[str, Any]) -> Any:
        """Returns the tree of all arrays' values, each on the devices where it was shared from."""
        return jax.tree_util.tree_unflatten(self._structure, [
            _placed(values[name], dtype, self._places[name])
            for name, dtype in self._dtypes.items()])

    def leaves(self, tree: Any, what: str) -> dict[str, Any]:
        """Returns the leaves by name. ValueError when it has others than this tree, naming one."""
        flat, structure = jax.tree_util.tree_flatten(tree)
        if structure == self._structure:
            return dict(zip(self._dtypes, flat))
        leaves = dict(_named(tree))
        for name in self._dtypes:
            if name not in leaves:
                raise ValueError(f"parameter '{name}': {what} does not have it")
        for name, leaf in leaves.items():
            if name not in self._dtypes and leaf is not None:
                raise ValueError(f"parameter '{name}' of {what} is not shared: share() the tree when "
                                 "it is complete")
        return leaves


def _named(tree: Any) -> list[tuple[str, Any]]:
    """The leaves with their paths, None among them."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(
        tree, is_leaf=lambda x: x is None or isinstance(x, IndexedSlices))
    return [("/".join(map(_part, path)), leaf) for path, leaf in leaves]


def _part(key: Any) -> str:
    for attribute in ("key", "idx", "name"):
        if hasattr(key, attribute):
            return str(getattr(key, attribute))
    return str(key)


def _array_of(name: str, leaf: Any) -> Any:
    if isinstance(leaf, jax.core.Tracer):
        raise TypeError(f"parameter '{name}' has no value under jit or grad: call this outside")
    if not isinstance(leaf, (jax.Array, np.ndarray, np.generic)):
        raise TypeError(f"parameter '{name}' is {leaf!r}, not an array")
    if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.extended):
        raise TypeError(f"parameter '{name}' is {leaf.dtype}, a dtype that varscope's variables do not "
                        "have")
    # JAX has no other order of bytes than the machine's.
    return leaf if leaf.dtype.isnative else leaf.astype(leaf.dtype.newbyteorder("="))


def _place_of(leaf: Any) -> Any:
    """The sharding of a JAX array that is not simply on the default device; else None."""
    place = getattr(leaf, "sharding", None)
    return None if place is None or place.device_set == {jax.devices()[0]} else place


def _placed(value: Any, dtype: Any, place: Any) -> Any:
    if place is None:
        return jnp.asarray(value, dtype)
    return jax.device_put(value.astype(dtype, copy=False), place)


def _is_trained(dtype: Any) -> bool:
    return jnp.issubdtype(dtype, jnp.floating)


def _host(array: Any) -> Any:
    """Returns NumPy's array of it: on the CPU a view. Halves become float32."""
    host = np.asarray(array)
    return host.astype(np.float32) if host.dtype.itemsize == 2 and _is_trained(host.dtype) else host


class _Value:
    def __init__(self, array: Any) -> None:
        self._array = array

    def __call__(self) -> Any:
        return _host(self._array)


class Optimizer(OfOneProcess):
    """Has the server train a shared tree by one of varscope.train's optimizers.

    step(gradients) is all of it; init() and update() are the same as an optax.GradientTransformation
    has them. The optimizer's state is on the server.
    """

    def __init__(self, shared: SharedTree, rule: ServerOptimizer | Rule,
                 hyperparameters: dict[str, Number] | None = None) -> None:
        if not isinstance(shared, SharedTree):
            raise TypeError("an optimizer takes what varscope.jax.share() returns, not "
                            f"{type(shared).__name__}")
        self._shared = shared
        self._hyperparameters = {key: _number(key, value) for key, value in
                                 (hyperparameters or {}).items()}
        self._steps = 0
        built = rule if isinstance(rule, Rule) else GivenRule(rule)
        self._pushes = Pushes(shared.arrays, [(built, shared.trained)], shared.trained,
                              list(shared.arrays.variables))

    def __repr__(self) -> str:
        return f"<varscope.jax.Optimizer of {self._shared!r}>"

    def step(self, gradients: Any) -> Any:
        """Pushes the gradients, and returns the tree of the values after it.

        `gradients` is a tree as the shared one; IndexedSlices are some rows of an array. The leaves of
        arrays that are not trained are not used. ValueError when it is another tree; RuntimeError when
        a gradient is missing, or when it is called under jit; TypeError for a gradient of no numbers.
        A hyperparameter that is a function gets the number of this optimizer's steps before.
        """
        pushed = {name: self._gradient(name, leaf) for name, leaf in
                  self._shared.leaves(gradients, "the gradients' tree").items()
                  if name in self._trained}
        given = {key: float(value(self._steps)) if callable(value) else value
                 for key, value in self._hyperparameters.items()}
        values = self._pushes.push(pushed, [given])
        self._steps += 1
        self._shared._params = self._shared.tree_of(values)
        return self._shared._params

    @property
    def _trained(self) -> list[str]:
        return self._shared.trained

    def _gradient(self, name: str, leaf: Any) -> Any:
        if leaf is None:
            raise RuntimeError(f"step(): no gradient of parameter '{name}'")
        if isinstance(leaf, jax.core.Tracer):
            raise RuntimeError("step() talks to the server: call it outside jit, with the gradients "
                               f"that a jitted function returns (parameter '{name}' has no value)")
        if isinstance(leaf, IndexedSlices):
            return self._shared.arrays.rows_of(
                name, IndexedSlices(_host(leaf.values), _host(leaf.indices)))
        return self._shared.arrays.array_of(name, _host(leaf), "the gradient")

    def init(self, params: Any) -> tuple[()]:
        """Returns optax's state, which is empty."""
        return ()

    def update(self, updates: Any, state: Any = (), params: Any = None, **_: Any) -> tuple[Any, Any]:
        """Returns what optax.apply_updates() adds to `params` to have step()'s values, and the state.

        `updates` are the gradients, as optax names them. ValueError without params, and when they are
        another tree: then nothing is pushed.
        """
        if params is None:
            raise ValueError("update() needs the params: update(updates, state, params)")
        before = {name: jnp.asarray(_array_of(name, leaf))
                  for name, leaf in self._shared.leaves(params, "the params' tree").items()}
        new = self._shared.leaves(self.step(updates), "the values' tree")
        changes = [_change(new[name], before[name]) for name in new]
        return jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(params), changes), state


def _number(key: str, value: Any) -> Number:
    """Returns a function or a number. TypeError for what is neither."""
    if callable(value):
        return value
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(np.asarray(value).item())
    except (TypeError, ValueError):
        raise TypeError(f"'{key}' is {value!r}, not a number or a function of the number of steps"
                        ) from None


def _change(after: Any, before: Any) -> Any:
    """What is added to have it. Nothing can be added to a truth value to have another one."""
    return after - before if after.dtype != bool else jnp.zeros_like(after)


def _optimizer(shared: SharedTree, name: str, changing: dict[str, Number],
               fixed: dict[str, float] | None = None) -> Optimizer:
    return Optimizer(shared, Rule(name, tuple(changing), fixed or {}), changing)


def sgd(shared: SharedTree, learning_rate: Number, momentum: float | None = None,
        nesterov: bool = False) -> Optimizer:
    """optax.sgd, for a shared tree."""
    if momentum is None:
        return _optimizer(shared, "GradientDescent", {"learning_rate": learning_rate})
    return _optimizer(shared, "Momentum", {"learning_rate": learning_rate, "momentum": momentum},
                      {"use_nesterov": float(nesterov)})


def adam(shared: SharedTree, learning_rate: Number, b1: float = 0.9, b2: float = 0.999,
         eps: float = 1e-8) -> Optimizer:
    """optax.adam, for a shared tree, but for where epsilon is added: to sqrt(v) before its correction."""
    return _optimizer(shared, "Adam", {"learning_rate": learning_rate, "beta1": b1, "beta2": b2,
                                       "epsilon": eps})


def adamw(shared: SharedTree, learning_rate: Number, b1: float = 0.9, b2: float = 0.999,
          eps: float = 1e-8, *, weight_decay: float = 1e-4) -> Optimizer:
    """optax.adamw, for a shared tree."""
    return _optimizer(shared, "AdamW", {"learning_rate": learning_rate, "beta1": b1, "beta2": b2,
                                        "epsilon": eps, "weight_decay": weight_decay})


def adagrad(shared: SharedTree, learning_rate: Number,
            initial_accumulator_value: float = 0.1) -> Optimizer:
    """optax.adagrad, for a shared tree, without epsilon: the accumulator begins above 0."""
    return _optimizer(shared, "Adagrad", {"learning_rate": learning_rate},
                      {"initial_accumulator_value": initial_accumulator_value})


def rmsprop(shared: SharedTree, learning_rate: Number, decay: float = 0.9, eps: float = 1e-8,
            *, momentum: float = 0.0) -> Optimizer:
    """optax.rmsprop, for a shared tree, with epsilon inside the root and v beginning at 1."""
    return _optimizer(shared, "RMSProp", {"learning_rate": learning_rate, "decay": decay,
                                          "epsilon": eps, "momentum": momentum})
