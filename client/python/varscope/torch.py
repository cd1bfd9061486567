"""PyTorch modules whose parameters are variables of a store.

    shared = varscope.torch.share(model, store, "model")
    optimizer = varscope.torch.Adam(model.parameters(), lr=1e-3)

The rest of the training loop stays. `encoder.layer.0.weight` is the variable
`model/encoder/layer/0/weight`: the first worker creates it, the others attach and take its value.
step() pushes the gradients, the server applies them as its groups say, and the new values come back
in the same request.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch

from varscope.optimizers import Optimizer as ServerOptimizer
from varscope.rules import GivenRule, Rule
from varscope.shared import Array, Pushes, SharedArrays
from varscope.slices import IndexedSlices
from varscope.store import Store, connect

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "SharedModule", "share"]

_HALF = (torch.float16, torch.bfloat16)


def share(module: torch.nn.Module, store: Store | None = None, scope: str | None = None, *,
          rename: Callable[[str], str] | None = None) -> SharedModule:
    """Makes a module's parameters and buffers variables under the scope, and returns the handle.

    Without a store: that of varscope.connect(). `rename` gives a variable's name under the scope for
    a parameter's; without it the dots are slashes. A parameter that is there under several names is
    one variable, of the first. The module has the store's values afterwards.

    ValueError when the store has another shape, dtype or kind under a name, with both creators; for a
    name that no variable can have; when a parameter is shared under another name already. TypeError
    for a dtype that variables do not have.
    """
    return SharedModule(module, store or connect(), scope, rename or _path_of)


def _path_of(name: str) -> str:
    return name.replace(".", "/")


class SharedModule:
    """A module whose parameters and buffers are variables of a store. Made by share().

    Buffers (BatchNorm's running statistics) are variables that nobody trains: a worker's forward
    passes change its own, until one worker's push_buffers() sets the store's, and pull() brings them.
    A float16 or bfloat16 tensor's variable is float32, and the worker has it rounded.
    """

    def __init__(self, module: torch.nn.Module, store: Store, scope: str | None,
                 rename: Callable[[str], str]) -> None:
        self.module = module
        self.store = store
        self._tensors, self._aliases = _tensors_of(module)
        for name, tensor in self._tensors.items():
            _check_is_free(name, tensor)
        self.arrays = SharedArrays(store, scope, [
            Array(name, rename(name), _dtype_of(tensor), _Value(tensor),
                  isinstance(tensor, torch.nn.Parameter))
            for name, tensor in self._tensors.items()])
        self._count = _count_of(module)
        self._ports = {name: _Port(tensor) for name, tensor in self._tensors.items()}
        for name, tensor in self.parameters.items():
            tensor._varscope = (self, name, tensor)
        self.take(self.arrays.first_values)

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

    def push_buffers(self) -> None:
        """Sets the store's buffers to this worker's."""
        self.check()
        if self.buffers:
            self.arrays.assign({name: self._ports[name].leave() for name in self.buffers})

    def save(self, path: str | os.PathLike[str]) -> str:
        """Writes the store's present values as state_dict() names them, and returns the path.

        With '.safetensors' at its end safetensors.torch.load_file() reads it for load_state_dict().
        This worker's buffers are pushed before.
        """
        self.push_buffers()
        return self.arrays.save(path, self._aliases)

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Assigns a checkpoint to the store, all of it or nothing, and brings it into the module: one
        of save(), or what safetensors.torch.save_file() wrote of a state_dict().
        """
        self.check()
        self.arrays.restore(path, self._aliases)
        self.pull()

    def take(self, values: Mapping[str, Any]) -> None:
        """Sets tensors of the module, by name, to arrays."""
        with torch.no_grad():
            for name, value in values.items():
                self._ports[name].arrive(value)

    def gradient(self, name: str) -> Any:
        """Returns a parameter's gradient as it is pushed; None when it has none."""
        tensor = self._tensors[name]
        if tensor.shape != self._ports[name].shape:
            self.arrays.check_shape(name, tensor.shape, "the module's tensor")
        if tensor.grad is None:
            return None
        return self._ports[name].rows(name) if tensor.grad.is_sparse else self._ports[name].dense()

    def check(self) -> None:
        """RuntimeError when the module has got tensors that are not shared."""
        if _count_of(self.module) == self._count:
            return
        known = {id(tensor) for tensor in self._tensors.values()}
        for name, tensor in _tensors_of(self.module)[0].items():
            if id(tensor) not in known:
                raise RuntimeError(f"parameter '{name}' was added to the module, or replaced in it, "
                                   "after share(): share() the module when it is complete")
        self._count = _count_of(self.module)


def _tensors_of(module: torch.nn.Module) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors of a state_dict(), each once, by its first name; and for each name that first one."""
    tensors: dict[str, torch.Tensor] = {}
    aliases: dict[str, str] = {}
    first: dict[int, str] = {}
    for name, tensor in module.state_dict(keep_vars=True).items():
        if not isinstance(tensor, torch.Tensor):
            continue
        if isinstance(tensor, torch.nn.parameter.UninitializedTensorMixin):
            raise ValueError(f"parameter '{name}' has no shape yet: share() the module after its "
                             "first forward pass")
        aliases[name] = first.setdefault(id(tensor), name)
        tensors.setdefault(aliases[name], tensor)
    return tensors, aliases


def _count_of(module: torch.nn.Module) -> int:
    """Changes when the module gets a tensor or a module."""
    return sum(len(part._parameters) + len(part._buffers) + len(part._modules)
               for part in module.modules())


def _dtype_of(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _shared(tensor: torch.Tensor) -> tuple[SharedModule, str] | None:
    """The module that a parameter is shared with, and its name there."""
    found = getattr(tensor, "_varscope", None)
    # A copy of a parameter may have its attributes.
    return found[:2] if found is not None and found[2] is tensor else None


def _check_is_free(name: str, tensor: torch.Tensor) -> None:
    found = _shared(tensor)
    if found is not None:
        raise ValueError(f"parameter '{name}' is shared already, as the variable "
                         f"'{found[0].variable(found[1]).name}' of {found[0].store.target}")


class _Value:
    """A tensor's value for its variable, copied when it is asked for."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self._tensor = tensor

    def __call__(self) -> Any:
        tensor = self._tensor.detach()
        return (tensor.float() if tensor.dtype in _HALF else tensor).cpu().numpy()


class _Port:
    """A tensor's way to the store's arrays and back.

    On the CPU these are views of its memory. On a GPU they are a pinned copy, which the GPU reads and
    writes by itself; on other devices a copy.
    """

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor
        self.shape = tensor.shape
        self._pinned: torch.Tensor | None = None

    def dense(self) -> Any:
        gradient = self.tensor.grad.detach()
        if gradient.is_cuda:
            return _in_pinned(_widened(gradient), self._staging()).numpy()
        return _widened(gradient).cpu().numpy()

    def rows(self, name: str) -> IndexedSlices:
        gradient = self.tensor.grad.detach()
        if gradient.sparse_dim() != 1:
            raise ValueError(f"parameter '{name}': its sparse gradient has {gradient.sparse_dim()} "
                             "sparse dimensions, and rows of a variable have one")
        indices, values = gradient._indices()[0], _widened(gradient._values())
        if gradient.is_cuda:
            indices, values = (
                _in_pinned(part, torch.empty(part.shape, dtype=part.dtype, pin_memory=True))
                for part in (indices, values))
        return IndexedSlices(values.cpu().numpy(), indices.cpu().numpy())

    def leave(self) -> Any:
        tensor = _widened(self.tensor.detach())
        if tensor.is_cuda:
            return _in_pinned(tensor, self._staging()).numpy()
        return tensor.cpu().numpy()

    def arrive(self, value: Any) -> None:
        tensor = self.tensor.detach()
        if tensor.is_cuda:
            staging = self._staging()
            np.copyto(staging.numpy(), value)
            tensor.copy_(staging, non_blocking=True)
        elif tensor.device.type == "cpu" and tensor.dtype is not torch.bfloat16:
            np.copyto(tensor.numpy(), value, casting="same_kind")
            # NumPy does not tell autograd that the value is another one.
            tensor.as_strided((0,), (1,)).zero_()
        else:
            tensor.copy_(torch.from_numpy(np.array(value)))

    def _staging(self) -> torch.Tensor:
        if self._pinned is None:
            dtype = torch.float32 if self.tensor.dtype in _HALF else self.tensor.dtype
            self._pinned = torch.empty(self.shape, dtype=dtype, pin_memory=True)
        return self._pinned


def _widened(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.dtype in _HALF else tensor


def _in_pinned(tensor: torch.Tensor, staging: torch.Tensor) -> torch.Tensor:
    """Returns the staging with the tensor's value. What the stream had to do before is done, too."""
    staging.copy_(tensor, non_blocking=True)
    torch.cuda.current_stream(tensor.device).synchronize()
    return staging


class Optimizer(torch.optim.Optimizer):
    """Has the server train a shared module's parameters by one of varscope.train's optimizers.

    A torch.optim.Optimizer: zero_grad(), parameter groups, learning rate schedulers and GradScaler are
    PyTorch's. The optimizer's state is on the server, not in state_dict(). Parameters that do not
    require gradients are not trained; step() brings the store's values of them, too.

    A parameter without a gradient is an error in step(), which names it; with skip_missing it is not
    pushed, as PyTorch's own optimizers do.
    """

    def __init__(self, params: Any, rule: ServerOptimizer | None = None, *,
                 skip_missing: bool = False, defaults: dict[str, Any] | None = None) -> None:
        super().__init__(params, defaults or {})
        self._given = None if rule is None else GivenRule(rule)
        self._skip_missing = skip_missing
        self._names: list[list[str]] = []
        self._fixed: list[Any] = []
        self._options = [{key: value for key, value in group.items() if key != "params"}
                         for group in self.param_groups]
        self._shared = self._module_of_all()
        self._pushes = self._new_pushes()

    def _rule(self, group: dict[str, Any]) -> Any:
        """The rule of a parameter group."""
        if self._given is None:
            raise TypeError("Optimizer() needs a rule, one of varscope.train")
        return self._given

    def _hyperparameters(self, group: dict[str, Any]) -> dict[str, float]:
        """The numbers that a step is fed for a group."""
        return {}

    def _module_of_all(self) -> SharedModule:
        """Whose the parameters are. ValueError unless all are of one shared module."""
        modules: list[SharedModule] = []
        position = 0
        for group in self.param_groups:
            names = []
            for parameter in group["params"]:
                found = _shared(parameter)
                if found is None:
                    raise ValueError(f"parameter {_said(parameter, position, modules)} is not "
                                     "shared: varscope.torch.share() the module that has it before, "
                                     "when it is complete")
                if modules and found[0] is not modules[0]:
                    raise ValueError(
                        f"parameter '{found[1]}' is '{found[0].variable(found[1]).name}' of "
                        "another share() than the parameters before it: one optimizer is for one")
                modules[:] = [found[0]]
                names.append(found[1])
                position += 1
            self._names.append(names)
        return modules[0]

    def _new_pushes(self) -> Pushes:
        self._fixed = [self._rule(group) for group in self.param_groups]
        frozen = {name for name, p in self._shared.parameters.items() if not p.requires_grad}
        names = [name for of_group in self._names for name in of_group]
        return Pushes(self._shared.arrays, list(zip(self._fixed, self._names)),
                      [name for name in names if name not in frozen], names)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Refused after the optimizer is made: its steps and its state on the server are fixed."""
        if hasattr(self, "_pushes"):
            raise RuntimeError("add_param_group: an optimizer of varscope has the parameters that it "
                               "was made with; make one optimizer more")
        super().add_param_group(param_group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Pushes the gradients, and sets the parameters to the values after it. Returns closure()'s.

        RuntimeError, with the parameter's name, when one has no gradient, or when the module has got
        parameters that are not shared; ValueError when one has another shape than it had. What the
        connection raises changes nothing here.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._shared.check()
        self._check_options()
        gradients = self._gradients()
        if gradients:
            self._shared.take(self._pushes.push(
                gradients, [self._hyperparameters(group) for group in self.param_groups]))
        return loss

    def _check_options(self) -> None:
        """ValueError when what a step is not fed has changed."""
        for group, fixed, options in zip(self.param_groups, self._fixed, self._options):
            if self._rule(group) == fixed:
                continue
            key = next(key for key in options
                       if self._rule({**options, key: group[key]}) != fixed)
            raise ValueError(f"'{key}' was {options[key]} when the optimizer was made, and cannot "
                             f"become {group[key]}: make another optimizer")

    def _gradients(self) -> dict[str, Any]:
        gradients: dict[str, Any] = {}
        missing = []
        for name in (name for of_group in self._names for name in of_group):
            gradient = self._shared.gradient(name)
            if gradient is not None:
                gradients[name] = gradient
            elif self._shared.parameters[name].requires_grad:
                missing.append(name)
        if missing and not self._skip_missing:
            raise RuntimeError(
                f"step(): no gradient of parameter {', '.join(map(repr, missing[:3]))}"
                f"{f' and {len(missing) - 3} more' if len(missing) > 3 else ''}: the loss does not "
                "depend on it, or backward() was not called (skip_missing=True leaves it out)")
        return gradients


def _said(parameter: torch.Tensor, position: int, modules: Iterable[SharedModule]) -> str:
    """How an error names a parameter that is not shared."""
    for shared in modules:
        for name, tensor in shared.module.named_parameters():
            if tensor is parameter:
                return f"'{name}', which was added after share(),"
    return f"number {position} (shape {tuple(parameter.shape)})"


class SGD(Optimizer):
    """torch.optim.SGD."""

    def __init__(self, params: Any, lr: float = 1e-3, momentum: float = 0.0,
                 weight_decay: float = 0.0, nesterov: bool = False, *,
                 skip_missing: bool = False) -> None:
        super().__init__(params, skip_missing=skip_missing, defaults=dict(
            lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov))

    def _rule(self, group: dict[str, Any]) -> Rule:
        if group["momentum"] == 0:
            return Rule("GradientDescent", ("learning_rate",), {}, group["weight_decay"])
        return Rule("Momentum", ("learning_rate", "momentum"),
                    {"use_nesterov": float(group["nesterov"])}, group["weight_decay"])

    def _hyperparameters(self, group: dict[str, Any]) -> dict[str, float]:
        return {"learning_rate": group["lr"], "momentum": group["momentum"]}


class Adam(Optimizer):
    """torch.optim.Adam, but for where epsilon is added: to sqrt(v) before its correction."""

    def __init__(self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0.0, *,
                 skip_missing: bool = False) -> None:
        super().__init__(params, skip_missing=skip_missing, defaults=dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    def _rule(self, group: dict[str, Any]) -> Rule:
        return Rule("Adam", ("learning_rate", "beta1", "beta2", "epsilon"), {},
                    group["weight_decay"])

    def _hyperparameters(self, group: dict[str, Any]) -> dict[str, float]:
        return {"learning_rate": group["lr"], "beta1": group["betas"][0],
                "beta2": group["betas"][1], "epsilon": group["eps"]}


class AdamW(Optimizer):
    """torch.optim.AdamW. Of sparse gradients only the rows that they name decay."""

    def __init__(self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 1e-2, *,
                 skip_missing: bool = False) -> None:
        super().__init__(params, skip_missing=skip_missing, defaults=dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    def _rule(self, group: dict[str, Any]) -> Rule:
        return Rule("AdamW", ("learning_rate", "beta1", "beta2", "epsilon", "weight_decay"), {})

    def _hyperparameters(self, group: dict[str, Any]) -> dict[str, float]:
        return {"learning_rate": group["lr"], "beta1": group["betas"][0],
                "beta2": group["betas"][1], "epsilon": group["eps"],
                "weight_decay": group["weight_decay"]}


class Adagrad(Optimizer):
    """torch.optim.Adagrad without lr_decay, but for epsilon: the accumulator begins above 0."""

    def __init__(self, params: Any, lr: float = 1e-2, weight_decay: float = 0.0,
                 initial_accumulator_value: float = 0.1, *, skip_missing: bool = False) -> None:
        super().__init__(params, skip_missing=skip_missing, defaults=dict(
            lr=lr, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value))

    def _rule(self, group: dict[str, Any]) -> Rule:
        return Rule("Adagrad", ("learning_rate",),
                    {"initial_accumulator_value": group["initial_accumulator_value"]},
                    group["weight_decay"])

    def _hyperparameters(self, group: dict[str, Any]) -> dict[str, float]:
        return {"learning_rate": group["lr"]}
