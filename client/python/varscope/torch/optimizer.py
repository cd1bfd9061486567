"""An optimizer whose rule the server applies."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

from varscope.optimizers import Optimizer as ServerOptimizer
from varscope.rules import GivenRule
from varscope.separate_processes import OfOneProcess
from varscope.shared import Pushes
from varscope.slices import IndexedSlices
from varscope.torch.marks import module_of
from varscope.torch.modules import SharedModule

# Of PyTorch's parameter groups: what the server's rules have not.
_NOT_THERE = ("amsgrad", "dampening", "decoupled_weight_decay", "differentiable", "lr_decay",
              "maximize")


class Optimizer(OfOneProcess, torch.optim.Optimizer):
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
        for group in self.param_groups:
            _check_group(type(self).__name__, group)
        self._given = None if rule is None else GivenRule(rule)
        self._skip_missing = skip_missing
        self._names: list[list[str]] = []
        self._fixed: list[Any] = []
        self._options = [{key: value for key, value in group.items() if key != "params"}
                         for group in self.param_groups]
        self._shared = self._module_of_all()
        self._all = [name for of_group in self._names for name in of_group]
        self._parameters = self._shared.parameters
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
                found = module_of(parameter)
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
        if not modules:
            raise ValueError("optimizer got an empty parameter list")
        return modules[0]

    def _new_pushes(self) -> Pushes:
        self._fixed = [self._rule(group) for group in self.param_groups]
        frozen = {name for name, p in self._parameters.items() if not p.requires_grad}
        return Pushes(self._shared.arrays, list(zip(self._fixed, self._names)),
                      [name for name in self._all if name not in frozen], self._all)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Sets the parameter groups to saved ones. ValueError for a state_dict with the state of
        parameters, which this optimizer has on the server; of values that it has not.
        """
        kept = [number for number, state in state_dict["state"].items()
                if any(isinstance(value, torch.Tensor) for value in state.values())]
        if kept:
            raise ValueError(
                f"load_state_dict(): the state_dict has the state of {len(kept)} parameters, and the "
                "state of this optimizer is on the server: without them, {**state_dict, 'state': {}}, "
                "it begins anew")
        for group in state_dict["param_groups"]:
            _check_group(type(self).__name__, group)
        super().load_state_dict({**state_dict, "state": {}})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Refused after the optimizer is made: its steps and its state on the server are fixed."""
        if hasattr(self, "_pushes"):
            raise RuntimeError("add_param_group: an optimizer of varscope has the parameters that it "
                               "was made with; make one optimizer more")
        super().add_param_group(param_group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Pushes the gradients, and sets the parameters to the values after it. Returns closure()'s.

        RuntimeError, with the parameter's name, when one has no gradient, when the program has changed
        one, or when the module has got parameters that are not shared; ValueError when one has another
        shape than it had. What the connection raises changes nothing here.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._step()
        return loss

    # A compiled function that calls it breaks there: what talks to a server is no graph.
    @torch.compiler.disable
    def _step(self) -> None:
        self._shared.check()
        self._check_options()
        self._shared.check_values(self._all)
        gradients = self._gradients()
        if gradients:
            self._push(gradients)

    def _push(self, gradients: dict[str, Any]) -> None:
        tables = self._shared.tables
        for name, gradient in gradients.items():
            if not isinstance(gradient, IndexedSlices):
                tables.treat_whole(name)
        # An error, or Ctrl-C, does not say that nothing was pushed.
        tables.grow_old(self._all)
        self._shared.take(self._pushes.push(
            gradients, [self._hyperparameters(group) for group in self.param_groups],
            [name for name in self._all if name not in tables]))

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
        gradients = self._shared.gradients(self._all)
        missing = [name for name, gradient in gradients.items()
                   if gradient is None and self._parameters[name].requires_grad]
        if missing and not self._skip_missing:
            raise RuntimeError(
                f"step(): no gradient of parameter {', '.join(map(repr, missing[:3]))}"
                f"{f' and {len(missing) - 3} more' if len(missing) > 3 else ''}: the loss does not "
                "depend on it, or backward() was not called (skip_missing=True leaves it out)")
        return {name: gradient for name, gradient in gradients.items() if gradient is not None}


def _said(parameter: torch.Tensor, position: int, modules: Iterable[SharedModule]) -> str:
    """How an error names a parameter that is not shared."""
    for shared in modules:
        for name, tensor in shared.module.named_parameters():
            if tensor is parameter:
                return f"'{name}', which was added after share(),"
    return f"number {position} (shape {tuple(parameter.shape)})"


def _check_group(kind: str, group: dict[str, Any]) -> None:
    """ValueError for a number that PyTorch refuses, NotImplementedError for what the server has not."""
    for key in _NOT_THERE:
        if group.get(key):
            raise NotImplementedError(f"{kind}: varscope has no '{key}', which is {group[key]}")
    for key in ("lr", "momentum", "eps", "weight_decay", "initial_accumulator_value"):
        if key in group and not group[key] >= 0:
            raise ValueError(f"{kind}: '{key}' is {group[key]}, and must not be below 0")
    for beta in group.get("betas", ()):
        if not 0 <= beta < 1:
            raise ValueError(f"{kind}: 'betas' is {group['betas']}, of numbers that must be from 0 to "
                             "1, without 1")
    if group.get("nesterov") and not group["momentum"]:
        raise ValueError(f"{kind}: 'nesterov' needs a 'momentum' above 0")
