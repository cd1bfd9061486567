"""Optimizers: the worker computes gradients and pushes them; the server applies the update rule."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import Any

from varscope import _core, constraints, nonfinite
from varscope.ops import group
from varscope.own_optimizers import OwnRules
from varscope.scopes import control_dependencies, name_scope, refuse
from varscope.slices import shaped_like
from varscope.slots import Slot

_Pairs = Iterable[tuple[Any, _core.Variable]]


class Optimizer(OwnRules):
    """The base of optimizers. Hyperparameters are numbers, or tensors with one element.

    `rule` is the server's name of the update rule. Those of its hyperparameters that are None have
    the rule's default. A program's own class gives TensorFlow's use_locking, False, in its place.
    """

    GATE_NONE = 0
    GATE_OP = 1
    GATE_GRAPH = 2

    def __init__(self, rule: str | bool, name: str,
                 hyperparameters: dict[str, Any] | None = None) -> None:
        self._name = name
        self._is_own = hyperparameters is None
        if hyperparameters is None:
            rule, hyperparameters = "GradientDescent", {"learning_rate": 0.0}
        values = {key: value() if callable(value) else value
                  for key, value in hyperparameters.items()}
        if values.get("learning_rate", 0) is None:
            raise ValueError("None values not supported: learning_rate is a number or a tensor")
        self._core = _core.Optimizer(rule, name, values)
        known = all(value is None or isinstance(value, Real) for value in values.values())
        # What a tensor computes has no value to compare.
        self._settings = (rule, name, tuple(values.items())) if known else None
        self._push_options: tuple[Any, ...] = ()
        if nonfinite.are_allowed():
            self.push_options(allow_nonfinite=True)

    def get_name(self) -> str:
        """The name of its ops, of which those of its slots are made."""
        return self._name

    def _kept(self) -> list[Slot]:
        return [*super()._kept(), *(Slot(*kept) for kept in self._core.slots())]

    def _kept_for(self, var: _core.Variable) -> list[Slot]:
        return [*super()._kept_for(var), *(Slot(*kept) for kept in self._core.slots(var))]

    @property
    def settings(self) -> Any:
        """Equal for optimizers that do the same: of one rule, with the same numbers."""
        return self if self._settings is None else self._settings, self._push_options

    def push_options(self, *, clip_norm: float = 0.0, clip_value: float = 0.0,
                     weight_decay: float = 0.0, allow_nonfinite: bool = False) -> Optimizer:
        """Sets what the pushes of later apply_gradients calls carry, and returns this optimizer.

        The server clips each element to [-clip_value, clip_value], then scales all gradients to the
        common L2 norm clip_norm if theirs is larger, then adds weight_decay * variable to the dense
        ones; 0 is none. Without allow_nonfinite a NaN or an infinity refuses the push.
        """
        self._push_options = (clip_norm, clip_value, weight_decay, allow_nonfinite)
        self._core.set_push_options(clip_norm, clip_value, weight_decay, allow_nonfinite)
        return self

    def compute_gradients(self, loss: _core.Tensor, var_list: Iterable[_core.Variable] | None = None,
                          gate_gradients: int = GATE_OP, aggregation_method: Any = None,
                          colocate_gradients_with_ops: bool = False,
                          grad_loss: Any = None) -> list[tuple[Any, _core.Variable]]:
        """Returns (gradient, variable) pairs, of all trainable variables if var_list is None.

        A gradient is a tensor, IndexedSlices, or None where the loss does not depend on it.
        `grad_loss`, of the loss's shape, is what the loss's own gradient is; 1 without it.
        """
        if gate_gradients not in (self.GATE_NONE, self.GATE_OP, self.GATE_GRAPH):
            raise ValueError("gate_gradients must be one of: Optimizer.GATE_NONE, "
                             f"Optimizer.GATE_OP, Optimizer.GATE_GRAPH. Not {gate_gradients}")
        if callable(loss):
            loss = loss()
        if grad_loss is not None:
            loss = _times(loss, grad_loss)
        pairs = self._core.compute_gradients(loss, _listed(var_list))
        shaped_like([gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        return pairs

    def apply_gradients(self, grads_and_vars: _Pairs, global_step: _core.Variable | None = None,
                        name: str | None = None) -> _core.Operation:
        """Returns an op that pushes the gradients, and then applies the variables' constraints.
        `global_step` rises by 1 in the same run. A variable that is there twice is updated twice."""
        pairs = list(grads_and_vars)
        if self._is_own:
            return self.applied(pairs, global_step, name)
        first, again = _once_each(pairs)
        constrained = constraints.among(first)
        if not again and not constrained:
            return self._core.apply_gradients(pairs, global_step, name)
        with name_scope(name or self._name) as scope:
            done = self._core.apply_gradients(first, None if again else global_step, None)
            if constrained:
                done = constraints.applied_after(done, constrained)
        if not again:
            return group(done, name=scope)
        with control_dependencies([done]):
            return self.apply_gradients(again, global_step, name)

    def minimize(self, loss: _core.Tensor, global_step: _core.Variable | None = None,
                 var_list: Iterable[_core.Variable] | None = None, gate_gradients: int = GATE_OP,
                 aggregation_method: Any = None, colocate_gradients_with_ops: bool = False,
                 name: str | None = None, grad_loss: Any = None) -> _core.Operation:
        """Returns apply_gradients(compute_gradients(loss, var_list), global_step, name)."""
        pairs = self.compute_gradients(loss, var_list, gate_gradients, grad_loss=grad_loss)
        return self.apply_gradients(pairs, global_step, name)


def _once_each(pairs: list[tuple[Any, Any]]) -> tuple[list[Any], list[Any]]:
    """The pairs with each variable's first gradient, and the others."""
    first, again, seen = [], [], set()
    for gradient, variable in pairs:
        (again if variable in seen else first).append((gradient, variable))
        if gradient is not None:
            seen.add(variable)
    return first, again


def _times(loss: _core.Tensor, slope: Any) -> _core.Tensor:
    """What has the slope, once more, as its gradient with respect to the loss."""
    shape = getattr(slope, "shape", None)
    if isinstance(slope, (_core.Tensor, _core.Variable)) and (
            not loss.shape.is_compatible_with(shape)):
        raise ValueError(f"grad_loss has the shape {shape}, and the loss {loss.shape}")
    return _core.reduce_sum(_core.multiply(loss, _core.stop_gradient(slope)))


def _listed(variables: Any) -> list[_core.Variable] | None:
    if variables is None:
        return None
    return [variables] if isinstance(variables, _core.Variable) else list(variables)


class GradientDescentOptimizer(Optimizer):
    """variable -= learning_rate * gradient."""

    def __init__(self, learning_rate: Any, use_locking: bool = False,
                 name: str = "GradientDescent") -> None:
        super().__init__("GradientDescent", name, {"learning_rate": learning_rate})


class MomentumOptimizer(Optimizer):
    """With a momentum; Nesterov's: Sutskever et al. 2013."""

    def __init__(self, learning_rate: Any, momentum: Any, use_locking: bool = False,
                 name: str = "Momentum", use_nesterov: bool = False) -> None:
        super().__init__("Momentum", name, {
            "learning_rate": learning_rate, "momentum": momentum, "use_nesterov": use_nesterov})


class AdagradOptimizer(Optimizer):
    """Duchi, Hazan, Singer 2011."""

    def __init__(self, learning_rate: Any, initial_accumulator_value: float = 0.1,
                 use_locking: bool = False, name: str = "Adagrad") -> None:
        super().__init__("Adagrad", name, {
            "learning_rate": learning_rate,
            "initial_accumulator_value": initial_accumulator_value})


class AdadeltaOptimizer(Optimizer):
    """Zeiler 2012 (arXiv 1212.5701)."""

    def __init__(self, learning_rate: Any = 0.001, rho: Any = 0.95, epsilon: Any = 1e-8,
                 use_locking: bool = False, name: str = "Adadelta") -> None:
        super().__init__("Adadelta", name, {
            "learning_rate": learning_rate, "rho": rho, "epsilon": epsilon})


class AdamOptimizer(Optimizer):
    """Kingma, Ba 2014 (arXiv 1412.6980), with "epsilon hat"."""

    def __init__(self, learning_rate: Any = 0.001, beta1: Any = 0.9, beta2: Any = 0.999,
                 epsilon: Any = 1e-8, use_locking: bool = False, name: str = "Adam") -> None:
        super().__init__("Adam", name, {
            "learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon})

    def _get_beta_accumulators(self) -> tuple[_core.Variable | None, _core.Variable | None]:
        """Returns the powers of beta1 and beta2 that the next step uses."""
        return (self._get_non_slot_variable("beta1_power"),
                self._get_non_slot_variable("beta2_power"))


class RMSPropOptimizer(Optimizer):
    """Tieleman, Hinton 2012; centered: Graves 2013 (arXiv 1308.0850)."""

    def __init__(self, learning_rate: Any, decay: Any = 0.9, momentum: Any = 0.0,
                 epsilon: Any = 1e-10, use_locking: bool = False, centered: bool = False,
                 name: str = "RMSProp") -> None:
        super().__init__("RMSProp", name, {
            "learning_rate": learning_rate, "decay": decay, "momentum": momentum,
            "epsilon": epsilon, "centered": centered})


class FtrlOptimizer(Optimizer):
    """FTRL-Proximal. McMahan et al. 2013, Algorithm 1."""

    def __init__(self, learning_rate: Any, learning_rate_power: Any = -0.5,
                 initial_accumulator_value: float = 0.1, l1_regularization_strength: Any = 0.0,
                 l2_regularization_strength: Any = 0.0, use_locking: bool = False,
                 name: str = "Ftrl", accum_name: None = None, linear_name: None = None,
                 l2_shrinkage_regularization_strength: Any = 0.0, beta: Any = None) -> None:
        refuse("FtrlOptimizer", accum_name=accum_name, linear_name=linear_name)
        super().__init__("Ftrl", name, {
            "learning_rate": learning_rate,
            "learning_rate_power": learning_rate_power,
            "initial_accumulator_value": initial_accumulator_value,
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
            "beta": beta})


class AdamWOptimizer(Optimizer):
    """Loshchilov, Hutter 2019 (arXiv 1711.05101), Algorithm 2."""

    def __init__(self, weight_decay: Any, learning_rate: Any = 0.001, beta1: Any = 0.9,
                 beta2: Any = 0.999, epsilon: Any = 1e-8, use_locking: bool = False,
                 name: str = "AdamW") -> None:
        super().__init__("AdamW", name, {
            "weight_decay": weight_decay, "learning_rate": learning_rate, "beta1": beta1,
            "beta2": beta2, "epsilon": epsilon})


class LAMBOptimizer(Optimizer):
    """You et al. 2020 (arXiv 1904.00962), Algorithm 2; a layer is one variable."""

    def __init__(self, learning_rate: Any = 0.001, beta1: Any = 0.9, beta2: Any = 0.999,
                 epsilon: Any = 1e-6, weight_decay: Any = 0.0, use_locking: bool = False,
                 name: str = "LAMB") -> None:
        super().__init__("LAMB", name, {
            "learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon,
            "weight_decay": weight_decay})


__all__ = [name for name, value in list(globals().items())
           if isinstance(value, type) and issubclass(value, Optimizer)]
