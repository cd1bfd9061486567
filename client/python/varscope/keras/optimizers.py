"""Optimizers by Keras's names and with its numbers, made of tf.train's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from varscope import _core, optimizers as train
from varscope.collections_ import GraphKeys
from varscope.counting import clip_by_norm, clip_by_value
from varscope.ops import group
from varscope.scopes import control_dependencies
from varscope.slices import IndexedSlices
from varscope.variable_class import Variable


class _RootMeanSquare(train.Optimizer):
    """Keras's RMSProp: its mean begins at 0, and epsilon is outside the root."""

    def __init__(self, learning_rate: Any, rho: float, momentum: float, epsilon: float) -> None:
        super().__init__(False, "RMSprop")
        self._numbers = learning_rate, rho, momentum, epsilon

    def _create_slots(self, var_list: Sequence[_core.Variable]) -> None:
        for var in var_list:
            self._zeros_slot(var, "rms", "rms")
            if self._numbers[2]:
                self._zeros_slot(var, "momentum", "momentum")

    def _apply_dense(self, grad: Any, var: _core.Variable) -> Any:
        rate, rho, momentum, epsilon = self._numbers
        mean = self.get_slot(var, "rms")
        new = mean.assign(rho * mean.value() + (1.0 - rho) * _core.square(grad))
        if not momentum:
            return var.assign_sub(rate * grad / (_core.sqrt(new) + epsilon)).op
        moved = self.get_slot(var, "momentum")
        moved = moved.assign(momentum * moved.value() + rate * grad / _core.sqrt(new + epsilon))
        return var.assign_sub(moved).op


class _AdaMax(train.Optimizer):
    """Adam with the largest of the gradients."""

    def __init__(self, learning_rate: Any, beta_1: float, beta_2: float, epsilon: float) -> None:
        super().__init__(False, "Adamax")
        self._numbers = learning_rate, beta_1, beta_2, epsilon

    def _create_slots(self, var_list: Sequence[_core.Variable]) -> None:
        for var in var_list:
            self._zeros_slot(var, "m", "m")
            self._zeros_slot(var, "v", "v")
        self._power = self._get_or_make_slot(var_list[0], self._numbers[1], "beta_1_power",
                                             "beta_1_power")

    def _apply_dense(self, grad: Any, var: _core.Variable) -> Any:
        rate, beta_1, beta_2, epsilon = self._numbers
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        new_m = m.assign(beta_1 * m.value() + (1.0 - beta_1) * grad)
        new_v = v.assign(_core.maximum(beta_2 * v.value(), _core.abs(grad)))
        step = rate / (1.0 - self._power.value())
        return var.assign_sub(step * new_m / (new_v + epsilon)).op

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Any:
        with control_dependencies(update_ops):
            return group(self._power.assign(self._power.value() * self._numbers[1]).op,
                         name=name_scope)


class Optimizer:
    """The base: a learning rate that a program may change, a decay, and gradients that are cut."""

    def __init__(self, learning_rate: float, decay: float = 0.0, clipnorm: float | None = None,
                 clipvalue: float | None = None, lr: float | None = None,
                 name: str | None = None) -> None:
        self._first = float(learning_rate if lr is None else lr)
        self._decay, self._clipnorm, self._clipvalue = decay, clipnorm, clipvalue
        self._graph: Any = None
        self._own: dict[str, _core.Variable] = {}

    def _variable(self, name: str, value: Any) -> _core.Variable:
        """One of this process, of the default graph."""
        graph = _core.get_default_graph()
        if self._graph != graph:
            self._graph, self._own = graph, {}
        if name not in self._own:
            self._own[name] = Variable(value, trainable=False, name=name,
                                       collections=[GraphKeys.LOCAL_VARIABLES])
        return self._own[name]

    @property
    def lr(self) -> Any:
        """The learning rate: a variable."""
        return self._variable("learning_rate", self._first)

    @lr.setter
    def lr(self, value: Any) -> None:
        from varscope.keras.backend import set_values
        set_values([(self.lr, value)])

    learning_rate = lr

    @property
    def iterations(self) -> _core.Variable:
        """How many steps there were."""
        return self._variable("iterations", 0)

    def _rule(self, rate: Any) -> train.Optimizer:
        """The optimizer that does it."""
        raise NotImplementedError

    def _cut(self, gradient: Any) -> Any:
        if gradient is None or (self._clipnorm is None and self._clipvalue is None):
            return gradient
        if isinstance(gradient, IndexedSlices):
            gradient = gradient.to_dense()
        if self._clipnorm is not None:
            gradient = clip_by_norm(gradient, float(self._clipnorm))
        if self._clipvalue is not None:
            gradient = clip_by_value(gradient, -float(self._clipvalue), float(self._clipvalue))
        return gradient

    def get_updates(self, loss: Any, params: Sequence[_core.Variable]) -> list[Any]:
        """Returns the ops of a step."""
        return [self.minimize(loss, var_list=list(params))]

    def minimize(self, loss: Any, var_list: Any = None, global_step: Any = None) -> Any:
        """Returns the op of a step."""
        rate: Any = self.lr.value()
        if self._decay:
            rate = rate / (1.0 + self._decay * _core.cast(self.iterations.value(), "float32"))
        rule = self._rule(rate)
        pairs = [(self._cut(gradient), variable)
                 for gradient, variable in rule.compute_gradients(loss, var_list)]
        step = rule.apply_gradients(pairs, global_step)
        with control_dependencies([step]):
            return group(step, self.iterations.assign_add(1))


class SGD(Optimizer):
    """Gradient descent, with momentum."""

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.0, decay: float = 0.0,
                 nesterov: bool = False, **keywords: Any) -> None:
        super().__init__(learning_rate, decay, **keywords)
        self._momentum, self._nesterov = momentum, nesterov

    def _rule(self, rate: Any) -> train.Optimizer:
        if not self._momentum:
            return train.GradientDescentOptimizer(rate)
        return train.MomentumOptimizer(rate, self._momentum, use_nesterov=self._nesterov)


class Adam(Optimizer):
    """Adam."""

    def __init__(self, learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999,
                 epsilon: float | None = None, decay: float = 0.0, amsgrad: bool = False,
                 **keywords: Any) -> None:
        if amsgrad:
            raise NotImplementedError("Adam: varscope has no 'amsgrad'")
        super().__init__(learning_rate, decay, **keywords)
        self._numbers = beta_1, beta_2, 1e-7 if epsilon is None else epsilon

    def _rule(self, rate: Any) -> train.Optimizer:
        return train.AdamOptimizer(rate, *self._numbers)


class Adamax(Adam):
    """Adam with the largest of the gradients."""

    def __init__(self, learning_rate: float = 0.001, **keywords: Any) -> None:
        super().__init__(learning_rate, **keywords)

    def _rule(self, rate: Any) -> train.Optimizer:
        return _AdaMax(rate, *self._numbers)


class RMSprop(Optimizer):
    """Gradients divided by the root of their mean square."""

    def __init__(self, learning_rate: float = 0.001, rho: float = 0.9, momentum: float = 0.0,
                 epsilon: float | None = None, decay: float = 0.0, **keywords: Any) -> None:
        super().__init__(learning_rate, decay, **keywords)
        self._numbers = rho, momentum, 1e-7 if epsilon is None else epsilon

    def _rule(self, rate: Any) -> train.Optimizer:
        return _RootMeanSquare(rate, *self._numbers)


class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of their squares."""

    def __init__(self, learning_rate: float = 0.001, initial_accumulator_value: float = 0.1,
                 epsilon: float | None = None, decay: float = 0.0, **keywords: Any) -> None:
        super().__init__(learning_rate, decay, **keywords)
        self._start = initial_accumulator_value

    def _rule(self, rate: Any) -> train.Optimizer:
        return train.AdagradOptimizer(rate, self._start)


class Adadelta(Optimizer):
    """Steps as large as those before, in units of the gradient."""

    def __init__(self, learning_rate: float = 0.001, rho: float = 0.95,
                 epsilon: float | None = None, decay: float = 0.0, **keywords: Any) -> None:
        super().__init__(learning_rate, decay, **keywords)
        self._numbers = rho, 1e-7 if epsilon is None else epsilon

    def _rule(self, rate: Any) -> train.Optimizer:
        return train.AdadeltaOptimizer(rate, *self._numbers)


_BY_NAME = {cls.__name__.lower(): cls for cls in (SGD, Adam, Adamax, RMSprop, Adagrad, Adadelta)}


def get(identifier: Any) -> Any:
    """Returns an optimizer, by name or as it is."""
    if not isinstance(identifier, str):
        return identifier
    if identifier.lower() not in _BY_NAME:
        raise ValueError(f"Unknown optimizer: '{identifier}'. varscope has "
                         f"{', '.join(sorted(_BY_NAME))}.")
    return _BY_NAME[identifier.lower()]()
