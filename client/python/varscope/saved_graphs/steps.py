"""The steps of a described graph's optimizers, which make their slots."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.scopes import name_scope, variable_scope


class OptimizerSteps:
    """Adds steps to the default graph. Those of one optimizer share what it keeps."""

    def __init__(self, ops: list[dict[str, Any]], scope: str) -> None:
        self._scope = scope
        self._slots = {name for op in ops if op["apply"] is not None
                       for _, _, name in op["apply"].get("slots", [])}
        self._optimizers: dict[Any, _core.Optimizer] = {}

    def makes(self, variable: str | None) -> bool:
        """Returns whether the variable is a slot."""
        return variable in self._slots

    def add(self, said: dict[str, Any], values: dict[str, Any], pairs: list[tuple[Any, Any]],
            global_step: _core.Variable | None, name: str) -> dict[str, _core.Variable]:
        """Adds a step with these hyperparameters and gradients. Returns its slots by the names that they
        had."""
        optimizer = self._optimizers.get(said.get("number"))
        if optimizer is None:
            optimizer = _core.Optimizer(said["optimizer"], said["slot_name"], values)
            self._optimizers[said.get("number", name)] = optimizer
        optimizer.set_push_options(*said["options"])
        names, variables = self._scopes(said)
        with name_scope(names or None), variable_scope(variables, auxiliary_name_scope=False):
            if variables:
                _take_names_before(said, variables)
            optimizer.apply_gradients(pairs, global_step, name)
        made = {(primary, state): slot for primary, state, slot in optimizer.slots()}
        primaries = {primary.op.name: primary for _, primary in pairs}
        return {name: made[primary and primaries[self._scope + primary], state]
                for primary, state, name in said.get("slots", [])}

    def _scopes(self, said: dict[str, Any]) -> tuple[str | None, str]:
        """The scopes in which TensorFlow would give the slots their names."""
        names, variables = self._scope, ""
        for primary, _, name in said.get("slots", []):
            if primary is None:
                names = self._scope + name.rpartition("/")[0]
            else:
                variables = name.partition(f"{primary}/{said['slot_name']}")[0]
        return names and names.rstrip("/") + "/", variables.rstrip("/")


def _take_names_before(said: dict[str, Any], variables: str) -> None:
    """A scope that is entered again begins to count anew: after this the first slot of each variable gets
    the number that it had."""
    seen = set()
    for primary, _, name in said["slots"]:
        if primary is None or primary in seen:
            continue
        seen.add(primary)
        base = f"{primary}/{said['slot_name']}"
        number = name.removeprefix(f"{variables}/{base}").removeprefix("_")
        for _ in range(int(number) if number.isdigit() else 0):
            with variable_scope(None, base, auxiliary_name_scope=False):
                pass
