"""Clusters: TensorFlow's jobs and tasks, of which varscope needs the one that has the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# The address of the store, by the address of each task of a cluster that this process knows.
_stores: dict[str, str] = {}


def store_of(address: str) -> str | None:
    """Returns the address of the store of a task's cluster; None for an address of no cluster."""
    return _stores.get(address)


class ClusterSpec:
    """The addresses of the tasks of each job."""

    def __init__(self, cluster: Mapping[str, Any] | ClusterSpec) -> None:
        jobs = cluster._jobs if isinstance(cluster, ClusterSpec) else cluster
        self._jobs = {job: _tasks(tasks) for job, tasks in jobs.items()}
        host = self.store_host()
        if host is not None:
            for tasks in self._jobs.values():
                _stores.update(dict.fromkeys(tasks.values(), host))

    @property
    def jobs(self) -> list[str]:
        return list(self._jobs)

    def as_dict(self) -> dict[str, Any]:
        """Returns the addresses of each job: a list, or a dict where numbers are missing."""
        return {job: list(tasks.values()) if list(tasks) == list(range(len(tasks))) else
                dict(tasks) for job, tasks in self._jobs.items()}

    def as_cluster_def(self) -> ClusterSpec:
        """Returns the cluster itself, which servers take, too."""
        return self

    def num_tasks(self, job_name: str) -> int:
        return len(self._of(job_name))

    def task_indices(self, job_name: str) -> list[int]:
        return list(self._of(job_name))

    def job_tasks(self, job_name: str) -> list[str]:
        return list(self._of(job_name).values())

    def task_address(self, job_name: str, task_index: int) -> str:
        """Returns an address. ValueError when the job has no such task."""
        try:
            return self._of(job_name)[task_index]
        except KeyError:
            raise ValueError(f"No task with index {task_index} in job {job_name!r}") from None

    def _of(self, job: str) -> dict[int, str]:
        if job not in self._jobs:
            raise ValueError(f"No such job in cluster: {job!r}")
        return self._jobs[job]

    def store_host(self) -> str | None:
        """Returns the address of the task that has the store: the first of the job 'ps', else of
        the first job."""
        tasks = self._jobs.get("ps") or next(iter(self._jobs.values()), None)
        return next(iter(tasks.values()), None) if tasks else None

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, ClusterSpec) and self._jobs == other._jobs

    def __bool__(self) -> bool:
        return bool(self._jobs)


def _tasks(tasks: Sequence[str] | Mapping[int, str] | str) -> dict[int, str]:
    if isinstance(tasks, Mapping):
        return {int(number): address for number, address in tasks.items()}
    return dict(enumerate([tasks] if isinstance(tasks, str) else tasks))


def replica_device_setter(ps_tasks: int = 0, ps_device: str = "/job:ps",
                          worker_device: str = "/job:worker", merge_devices: bool = True,
                          cluster: Any = None, ps_ops: Any = None,
                          ps_strategy: Any = None) -> Any:
    """Returns what tf.device takes: variables are the store's in any case."""

    def place(op: Any) -> str:
        return ps_device if getattr(op, "type", "").startswith("Variable") else worker_device

    return place
