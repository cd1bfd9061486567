"""Optimizers that a program writes: classes of tf.train.Optimizer with _apply_dense and the like. Their
slots are variables of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from varscope import _core
from varscope.ops import convert_to_tensor, group
from varscope.scopes import control_dependencies, name_scope
from varscope.slices import IndexedSlices
from varscope.slots import Slot, Slots


class OwnRules(Slots):
    """What such a class may define, and what it may call."""

    _name: str

    def _create_slots(self, var_list: Sequence[_core.Variable]) -> None:
        """Makes what is kept for variables."""

    def _prepare(self) -> None:
        """Makes tensors of hyperparameters."""

    def _apply_dense(self, grad: Any, var: _core.Variable) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no _apply_dense")

    def _apply_sparse(self, grad: IndexedSlices, var: _core.Variable) -> Any:
        return self._dense(convert_to_tensor(grad.to_dense()), var)

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Any:
        return group(*update_ops, name=name_scope)

    def _dense(self, grad: Any, var: _core.Variable) -> Any:
        """TensorFlow calls the second one for resource variables: either may be there."""
        own = getattr(self, "_resource_apply_dense", None)
        is_base = type(self)._apply_dense is OwnRules._apply_dense
        return own(grad, var) if own is not None and is_base else self._apply_dense(grad, var)

    def _slots_of(self, slot_name: str) -> dict[Any, _core.Variable]:
        every: dict[str, Any] = self.__dict__.setdefault("_own_slots", {})
        return every.setdefault(slot_name, {})

    def _zeros_slot(self, var: _core.Variable, slot_name: str, op_name: str) -> _core.Variable:
        """Returns a variable of zeros beside a variable."""
        return self._get_or_make_slot(var, _core.zeros(var.shape, var.dtype), slot_name, op_name)

    def _get_or_make_slot(self, var: _core.Variable, val: Any, slot_name: str,
                          op_name: str) -> _core.Variable:
        """Returns a variable beside a variable, which begins as this value."""
        from varscope.variable_class import Variable
        slots = self._slots_of(slot_name)
        if var not in slots:
            with name_scope(None):
                slots[var] = Variable(val, trainable=False, name=f"{var.op.name}/{op_name}")
        return slots[var]

    def _kept(self) -> list[Slot]:
        graph = _core.get_default_graph()
        return [Slot(primary, state, variable)
                for state, slots in self.__dict__.get("_own_slots", {}).items()
                for primary, variable in slots.items() if variable.graph == graph]

    def _kept_for(self, var: _core.Variable) -> list[Slot]:
        graph = _core.get_default_graph()
        return [Slot(var, state, slots[var])
                for state, slots in self.__dict__.get("_own_slots", {}).items()
                if var in slots and slots[var].graph == graph]

    def applied(self, pairs: Sequence[tuple[Any, _core.Variable]],
                global_step: _core.Variable | None, name: str | None) -> Any:
        """Returns an op that does to each variable what the class says."""
        from varscope.variables import assign_add
        given = [(gradient, variable) for gradient, variable in pairs if gradient is not None]
        if not given:
            raise ValueError("No gradients provided for any variable.")
        self._create_slots([variable for _, variable in given])
        with name_scope(name or self._name) as scope:
            self._prepare()
            updates = [self._apply_sparse(gradient, variable) if isinstance(
                gradient, IndexedSlices) else self._dense(gradient, variable)
                for gradient, variable in given]
            own = None if global_step is not None else scope.rstrip("/")
            done = self._finish(updates, own or "update")
            if global_step is None:
                return done
            with control_dependencies([done]):
                return group(assign_add(global_step, 1), name=scope)
