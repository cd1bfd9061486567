"""PyTorch's optimizers, with their arguments in their order.

`foreach`, `fused` and `capturable` say how PyTorch computes a step: they are taken, and of no use here.
"""

from __future__ import annotations

from typing import Any

from varscope.rules import Rule
from varscope.torch.optimizer import Optimizer


class SGD(Optimizer):
    """torch.optim.SGD, without dampening and maximize."""

    def __init__(self, params: Any, lr: float = 1e-3, momentum: float = 0.0, dampening: float = 0.0,
                 weight_decay: float = 0.0, nesterov: bool = False, *, maximize: bool = False,
                 foreach: bool | None = None, differentiable: bool = False,
                 fused: bool | None = None, skip_missing: bool = False) -> None:
        super().__init__(params, skip_missing=skip_missing, defaults=dict(
            lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay,
            nesterov=nesterov, maximize=maximize, differentiable=differentiable))

    def _rule(self, group: dict[str, Any]) -> Rule:
        if group["momentum"] == 0:
            return Rule("GradientDescent", ("learning_rate",), {}, group["weight_decay"])
        return Rule("Momentum", ("learning_rate", "momentum"),
                    {"use_nesterov": float(group["nesterov"])}, group["weight_decay"])

    def _hyperparameters(self, group: dict[str, Any]) -> dict[str, float]:
        return {"learning_rate": group["lr"], "momentum": group["momentum"]}


class Adam(Optimizer):
    """torch.optim.Adam, without amsgrad and maximize, but for where epsilon is added: to sqrt(v) before
    its correction."""

    def __init__(self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0.0, amsgrad: bool = False, *,
                 foreach: bool | None = None, maximize: bool = False, capturable: bool = False,
                 differentiable: bool = False, fused: bool | None = None,
                 decoupled_weight_decay: bool = False, skip_missing: bool = False) -> None:
        super().__init__(params, skip_missing=skip_missing, defaults=dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad,
            maximize=maximize, differentiable=differentiable,
            decoupled_weight_decay=decoupled_weight_decay))

    def _rule(self, group: dict[str, Any]) -> Rule:
        return Rule("Adam", ("learning_rate", "beta1", "beta2", "epsilon"), {},
                    group["weight_decay"])

    def _hyperparameters(self, group: dict[str, Any]) -> dict[str, float]:
        return {"learning_rate": group["lr"], "beta1": group["betas"][0],
                "beta2": group["betas"][1], "epsilon": group["eps"]}


class AdamW(Optimizer):
    """torch.optim.AdamW, as Adam. Of sparse gradients only the rows that they name decay."""

    def __init__(self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 1e-2, amsgrad: bool = False, *,
                 maximize: bool = False, foreach: bool | None = None, capturable: bool = False,
                 differentiable: bool = False, fused: bool | None = None,
                 skip_missing: bool = False) -> None:
        super().__init__(params, skip_missing=skip_missing, defaults=dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad,
            maximize=maximize, differentiable=differentiable))

    def _rule(self, group: dict[str, Any]) -> Rule:
        return Rule("AdamW", ("learning_rate", "beta1", "beta2", "epsilon", "weight_decay"), {})

    def _hyperparameters(self, group: dict[str, Any]) -> dict[str, float]:
        return {"learning_rate": group["lr"], "beta1": group["betas"][0],
                "beta2": group["betas"][1], "epsilon": group["eps"],
                "weight_decay": group["weight_decay"]}


class Adagrad(Optimizer):
    """torch.optim.Adagrad, without lr_decay and maximize, but for epsilon: the accumulator begins above
    0 instead."""

    def __init__(self, params: Any, lr: float = 1e-2, lr_decay: float = 0.0,
                 weight_decay: float = 0.0, initial_accumulator_value: float = 0.1, *,
                 foreach: bool | None = None, maximize: bool = False,
                 differentiable: bool = False, fused: bool | None = None,
                 skip_missing: bool = False) -> None:
        super().__init__(params, skip_missing=skip_missing, defaults=dict(
            lr=lr, lr_decay=lr_decay, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, maximize=maximize,
            differentiable=differentiable))

    def _rule(self, group: dict[str, Any]) -> Rule:
        return Rule("Adagrad", ("learning_rate",),
                    {"initial_accumulator_value": group["initial_accumulator_value"]},
                    group["weight_decay"])

    def _hyperparameters(self, group: dict[str, Any]) -> dict[str, float]:
        return {"learning_rate": group["lr"]}
