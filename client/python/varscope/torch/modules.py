"""Modules whose tensors are variables of a store."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch

from varscope.separate_processes import OfOneProcess
from varscope.shared import Array, SharedArrays
from varscope.store import Store, connect
from varscope.torch.embeddings import Tables, embeddings_in, renormalized_in
from varscope.torch.files import names_for
from varscope.torch.marks import mark, module_of
from varscope.torch.names import paths_in
from varscope.torch.ports import Port, await_gpus, parts_of_one, value_of
from varscope.torch.tensors import count_of, holder_of, tensors_of


def share(module: torch.nn.Module, store: Store | None = None, scope: str | None = None, *,
          rename: Callable[[str], str] | None = None) -> SharedModule:
    """Makes a module's parameters and buffers variables under the scope, and returns the handle.

    Without a store: that of varscope.connect(). `rename` gives a variable's name under the scope for
    a parameter's; without it the dots are slashes, and what torch.compile and parallel modules add to
    names is left out. A parameter that is there under several names is one variable, of the first. The
    module has the store's values afterwards.

    ValueError when the store has another shape, dtype or kind under a name, with both creators; for a
    name that no variable can have; for a parameter without values; when one is shared under another
    name already. TypeError for a dtype that variables do not have.
    """
    return SharedModule(module, store or connect(), scope, rename)


class SharedModule(OfOneProcess):
    """A module whose parameters and buffers are variables of a store. Made by share().

    Buffers (BatchNorm's running statistics) are variables that nobody trains: a worker's forward
    passes change its own, until one worker's push_buffers() sets the store's, and pull() brings them.
    A float16 or bfloat16 tensor's variable is float32, and the worker has it rounded.
    """

    def __init__(self, module: torch.nn.Module, store: Store, scope: str | None,
                 rename: Callable[[str], str] | None) -> None:
        if not isinstance(module, torch.nn.Module):
            raise TypeError(f"share() takes a torch.nn.Module, not {type(module).__name__}")
        self.module = module
        self.store = store
        self._tensors, self._aliases = tensors_of(module)
        for name, tensor in self._tensors.items():
            _check_is_free(name, tensor)
        rename = rename or paths_in(module)
        self.arrays = SharedArrays(store, scope, [
            Array(name, rename(name), _dtype_of(tensor), functools.partial(value_of, tensor),
                  isinstance(tensor, torch.nn.Parameter))
            for name, tensor in self._tensors.items()])
        self._count = count_of(module)
        self._holders = {name: holder for name in self._tensors
                         if (holder := holder_of(module, name)) is not None}
        self._renormalized = renormalized_in(module)
        self._ports = {name: Port(tensor) for name, tensor in self._tensors.items()}
        self._parts = parts_of_one(self._ports.values())
        values = self.arrays.first_values()
        self.tables = Tables(self.arrays, self._ports, embeddings_in(module, self.parameters))
        self.take(values)
        # When nothing can fail any more: what is not marked can be shared again.
        for name, tensor in self.parameters.items():
            mark(tensor, self, name)

    def __repr__(self) -> str:
        return (f"<varscope.torch.SharedModule of {type(self.module).__name__}, "
                f"{len(self._tensors)} variables at {self.store.target}>")

    @property
    def parameters(self) -> dict[str, torch.nn.Parameter]:
        """Those that are shared, by name, each once, in the order of state_dict()."""
        return {name: tensor for name, tensor in self._tensors.items()
                if isinstance(tensor, torch.nn.Parameter)}

    @property
    def buffers(self) -> dict[str, torch.Tensor]:
        """Those that are shared: the persistent ones."""
        return {name: tensor for name, tensor in self._tensors.items()
                if not isinstance(tensor, torch.nn.Parameter)}

    def variable(self, name: str) -> Any:
        """Returns the variable of a parameter or buffer."""
        return self.arrays.variables[name]

    def pull(self) -> None:
        """Brings the store's present values, of parameters and buffers, into the module."""
        self.check()
        self.take(self.arrays.pull())

    def push(self) -> None:
        """Sets the store's values, of parameters and buffers, to this module's: after a
        load_state_dict(), an initialization by hand, or a restart of the server that has lost them.

        Of a table whose rows come with forward passes, see the README, only when the program has changed
        it, or the store has none: other workers' rows here are old ones.
        """
        self.check()
        names = [name for name in self._tensors
                 if name not in self.tables or self._ports[name].was_changed()
                 or not self.tables.are_in_store(name)]
        self._set(names)
        # The next gradients are of values that the worker has read: these.
        self.arrays.pull(name for name in names if name not in self.tables)

    def push_buffers(self) -> None:
        """Sets the store's buffers to this worker's."""
        self.check()
        self._set(self.buffers)

    def _set(self, names: Iterable[str]) -> None:
        values = {name: self._ports[name].leave() for name in names}
        if values:
            await_gpus(self._tensors.values())
            self.arrays.assign(values)
            for name in values:
                self._ports[name].note_value()
            self.tables.have_come(values)

    def save(self, path: str | os.PathLike[str]) -> str:
        """Writes the store's present values as state_dict() names them, and returns the path.

        With '.safetensors' at its end safetensors.torch.load_file() reads it for load_state_dict().
        This worker's buffers are pushed before.
        """
        self.push_buffers()
        return self.arrays.save(path, self._aliases)

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Assigns a checkpoint to the store, all of it or nothing, and brings it into the module: one
        of save(), or what safetensors.torch.save_file() wrote of a state_dict(), or save_model().
        """
        self.check()
        self.arrays.restore(path, names_for(path, self._aliases))
        self.pull()

    def take(self, values: Mapping[str, Any]) -> None:
        """Sets tensors of the module, by name, to arrays."""
        await_gpus(self._tensors.values())
        others = [port for port in self._parts if not port.was_changed()]
        with torch.no_grad():
            for name, value in values.items():
                self._ports[name].arrive(value)
        for port in others:
            port.note_value()
        self.tables.have_come(values)

    def gradients(self, names: Iterable[str]) -> dict[str, Any]:
        """Returns parameters' gradients as they are pushed; None of those that have none."""
        found = {name: self._gradient(name) for name in names}
        await_gpus(self._tensors.values())
        return found

    def _gradient(self, name: str) -> Any:
        tensor = self._tensors[name]
        if tensor.shape != self._ports[name].shape:
            self.arrays.check_shape(name, tensor.shape, "the module's tensor")
        gradient, port = tensor.grad, self._ports[name]
        if gradient is None:
            return None
        return port.rows(name, gradient) if gradient.is_sparse else port.dense(gradient)

    def check_values(self, names: Iterable[str]) -> None:
        """RuntimeError when the program has changed one of these parameters."""
        changed = next((name for name in names if self._ports[name].was_changed()
                        and id(self._tensors[name]) not in self._renormalized), None)
        if changed is not None:
            raise RuntimeError(
                f"parameter '{changed}' was changed by the program (load_state_dict() does that), and "
                "the store has its own value: push() of what share() has returned sets the store's to "
                "the module's, and pull() the module's to the store's")

    def check(self) -> None:
        """RuntimeError when the module has got parameters that are not shared. A buffer that the
        program has replaced, as a forward pass may, takes the place of the one before.
        """
        for name, holder in self._holders.items():
            present = holder.get(name.rpartition(".")[2])
            if present is not self._tensors[name]:
                if present is None or isinstance(present, torch.nn.Parameter):
                    raise _is_not_shared(name)
                self._tensors[name], self._ports[name] = present, Port(present)
        if count_of(self.module) == self._count:
            return
        known = {id(tensor) for tensor in self._tensors.values()}
        for name, tensor in tensors_of(self.module)[0].items():
            if id(tensor) not in known:
                raise _is_not_shared(name)
        self._count = count_of(self.module)


def _is_not_shared(name: str) -> RuntimeError:
    return RuntimeError(f"parameter '{name}' was added to the module, removed, or replaced in it, after "
                        "share(): share() the module when it is complete")


def _dtype_of(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _check_is_free(name: str, tensor: torch.Tensor) -> None:
    found = module_of(tensor)
    # Of a store that is closed nothing comes: the module may go on with another.
    if found is not None and not found[0].store.closed:
        raise ValueError(f"parameter '{name}' is shared already, as the variable "
                         f"'{found[0].variable(found[1]).name}' of {found[0].store.target}")
