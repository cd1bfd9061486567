"""SyncReplicasOptimizer: one update for the gradients of all workers, by their mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from varscope import _core, graph_data
from varscope.derived import Derived
from varscope.ops import group
from varscope.optimizers import Optimizer
from varscope.slots import Slot
from varscope.scopes import control_dependencies, name_scope
from varscope.slices import IndexedSlices
from varscope.training.hooks import SessionRunHook
from varscope.training.queues import QueueRunner
from varscope.variable_class import Variable
from varscope.variables import assign, assign_add, scatter_add


class SyncReplicasOptimizer(Optimizer):
    """Workers add their gradients up in variables; when all have, one worker applies the mean, and
    all go on. A step has as many gradients as workers, whatever replicas_to_aggregate says.
    """

    def __init__(self, opt: Optimizer, replicas_to_aggregate: int,
                 total_num_replicas: int | None = None, variable_averages: Any = None,
                 variables_to_average: Any = None, use_locking: bool = False,
                 name: str = "sync_replicas", replica_id: int | None = None) -> None:
        self._opt = opt
        self._workers = total_num_replicas or replicas_to_aggregate
        self._name = name
        self._step: SyncStep | None = None

    def get_name(self) -> str:
        return self._name

    def _kept(self) -> list[Slot]:
        return self._opt._kept()

    def _kept_for(self, var: _core.Variable) -> list[Slot]:
        return self._opt._kept_for(var)

    def compute_gradients(self, *arguments: Any, **keywords: Any) -> list[tuple[Any, Any]]:
        """As the optimizer's."""
        return self._opt.compute_gradients(*arguments, **keywords)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, _core.Variable]],
                        global_step: _core.Variable | None = None,
                        name: str | None = None) -> Any:
        """Returns what a session runs as a step. ValueError without a global step."""
        if global_step is None:
            raise ValueError("Global step is required to check staleness")
        pairs = [(gradient, var) for gradient, var in grads_and_vars if gradient is not None]
        with name_scope(name or self._name) as scope:
            sums = [_sum_of(var, self._name) for _, var in pairs]
            add = group(*[_added(total, gradient) for total, (gradient, _) in zip(sums, pairs)])
            means = [(total.value() / float(self._workers), var)
                     for total, (_, var) in zip(sums, pairs)]
            with name_scope(None):
                apply = self._opt.apply_gradients(means, global_step)
            with control_dependencies([apply]):
                clear = group(*[assign(total, _core.zeros_like(total.value())) for total in sums])
        self._step = SyncStep(scope.rstrip("/"), add, clear, self._workers)
        return self._step

    def get_chief_queue_runner(self) -> QueueRunner:
        """Returns a runner with nothing to run: barriers take the place of tokens."""
        self._made()
        return QueueRunner()

    def get_init_tokens_op(self, num_tokens: int = -1) -> _core.Operation:
        """Returns an op that does nothing: there are no tokens."""
        self._made()
        return _core.no_op("init_tokens")

    def _made(self) -> SyncStep:
        if self._step is None:
            raise ValueError("Should be called after apply_gradients().")
        return self._step

    @property
    def local_step_init_op(self) -> _core.Operation:
        """Does nothing: there are no local steps."""
        return _core.no_op("local_step_init")

    chief_init_op = local_step_init_op

    @property
    def ready_for_local_init_op(self) -> _core.Operation:
        return _core.no_op("ready_for_local_init")

    def make_session_run_hook(self, is_chief: bool, num_tokens: int = -1) -> SessionRunHook:
        """Returns a hook for MonitoredTrainingSession."""
        self._made()
        return _ChiefHook(is_chief)


class SyncStep(Derived):
    """A step of all workers. A run adds this worker's gradients up, waits for the others', lets the
    chief apply them, and waits for that."""

    def __init__(self, name: str, add: _core.Operation, clear: _core.Operation,
                 workers: int) -> None:
        super().__init__(name, add, lambda _: None)
        self._finish = clear
        self._workers = workers

    @property
    def type(self) -> str:
        return "SyncReplicas"

    def after_run(self, session: Any) -> None:
        """Called by the session when the gradients are added."""
        chief = self._is_chief(session)
        session.barrier(f"{self.name}/gradients", self._workers)
        if chief:
            session.run(self._finish)
        session.barrier(f"{self.name}/applied", self._workers)

    def _is_chief(self, session: Any) -> bool:
        """RuntimeError when neither a hook nor a Supervisor has said it."""
        chief = graph_data.of(session.graph).is_chief
        if chief is None:
            raise RuntimeError(f"{self.name}: whether this worker is the chief is not known: use "
                               "make_session_run_hook, or a Supervisor")
        return chief


class _ChiefHook(SessionRunHook):
    """Says which worker applies the gradients."""

    def __init__(self, is_chief: bool) -> None:
        self._is_chief = is_chief

    def after_create_session(self, session: Any, coord: Any) -> None:
        graph_data.of(session.graph).is_chief = self._is_chief


def _sum_of(var: _core.Variable, name: str) -> _core.Variable:
    return Variable(_core.zeros(var.shape, var.dtype), trainable=False,
                    name=f"{var.op.name}/{name}", collections=[])


def _added(total: _core.Variable, gradient: Any) -> Any:
    if isinstance(gradient, IndexedSlices):
        return scatter_add(total, gradient.indices, gradient.values)
    return assign_add(total, gradient)
